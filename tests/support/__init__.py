"""What several tests share: real engines, files of the repository."""
