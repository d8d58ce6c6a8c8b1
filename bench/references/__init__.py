"""Servers that the product is measured against; none of them is part of the product."""
