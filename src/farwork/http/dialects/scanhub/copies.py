"""Copies of templates: new, with inputs that name the copies; pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from farwork.http.dialects.scanhub.translate import Fields, own
from farwork.service.trees import Document, Leaf

_TEMPLATE_ONLY = ("name", "status", "progress")


def fields_of(template: Document) -> Fields:
    """The fields of a copy of a task's template, and which template it is of."""
    fields = {k: v for k, v in template.body.items() if k not in _TEMPLATE_ONLY}
    return fields | {"template_id": template.id}


def template_body(fields: Fields, name: str) -> Fields:
    """What a new template of a task keeps: it stands at the beginning, whatever it is made from."""
    return fields | {"name": name, "status": "NEW", "progress": 0}


def with_inputs(fields: Fields, copies: Mapping[str, str]) -> Fields:
    """The fields with inputs that name the copies of what they named; others are left out."""
    if "input_task_ids" not in fields:
        return fields
    inputs = [copies[one] for one in fields["input_task_ids"] if one in copies]
    return fields | {"input_task_ids": inputs}


def copies_among_tasks(leaves: Sequence[Leaf]) -> dict[str, str]:
    """The tasks of a workflow by the template that each is a copy of; of several the newest."""
    found: dict[str, str] = {}
    for leaf in leaves:
        template_id = own(leaf.details.extensions).get("template_id")
        if template_id is not None:
            found[template_id] = leaf.task.id
    return found


def copies_among_templates(templates: Sequence[Document]) -> dict[str, str]:
    """The same among templates; each of them stands for itself too."""
    found = {template.id: template.id for template in templates}
    for template in templates:
        if "template_id" in template.body:
            found[template.body["template_id"]] = template.id
    return found


def next_position(taken: Sequence[int]) -> int:
    """The place behind all others."""
    return max(taken, default=-1) + 1


@dataclass(slots=True)
class Grafts:
    """The copies that a tree of templates makes; `new_ids` gives each template's copy its id."""

    new_ids: dict[str, str]

    @classmethod
    def of(cls, templates: Iterable[Document], new_id: Callable[[], str]) -> "Grafts":
        """New ids for all of these."""
        return cls({template.id: new_id() for template in templates})

    def fields(self, template: Document) -> Fields:
        """The fields of the copy of a task's template, in the place where the template stands."""
        return with_inputs(fields_of(template), self.new_ids)


def record_fields(body: Fields) -> Fields:
    """The fields of a copy of a workflow's or an exam's template; it is new."""
    return {k: v for k, v in body.items() if k != "name"} | {"status": "NEW"}
