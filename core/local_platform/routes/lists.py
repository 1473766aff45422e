"""Bodies and answers of list methods: filter, sort, pages (contract section 2)."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.local_platform.routes.endpoint import Body
from core.local_platform.store.listing import DEFAULT_PER_PAGE, MAX_PER_PAGE, Condition, IdPage, Listing

_MAX_INTEGER = 2**63 - 1
_T = TypeVar("_T")


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        msg = "must be a number"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns ValueError into its own error
    return value


def _list_from_text(value: object) -> object:
    """In the query string of a GET, lists are JSON texts."""
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            msg = "is not valid JSON"
            raise ValueError(msg) from error
    return value


Id: TypeAlias = Annotated[int, BeforeValidator(_no_bool), Field(ge=-_MAX_INTEGER, le=_MAX_INTEGER)]
"""An id; one that does not exist is a matter of the handler."""

Ids: TypeAlias = Annotated[list[Id], BeforeValidator(_list_from_text)]
Count: TypeAlias = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=_MAX_INTEGER)]
Positive: TypeAlias = Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=_MAX_INTEGER)]
Text: TypeAlias = Annotated[str, Field(max_length=100_000)]


class FilterEntry(BaseModel):
    """One condition."""

    model_config = ConfigDict(extra="ignore")

    field: str
    operator: str = "="
    value: Any = None


class ListBody(Body):
    """What all list methods accept.

    Attributes:
        fields: Ignored: all fields are always given.
        extra_fields: Optional columns that are wanted.
    """

    filter: Annotated[list[FilterEntry] | None, BeforeValidator(_list_from_text)] = None
    sort: str | None = None
    sort_order: Annotated[Literal["asc", "desc"] | None, Field(alias="sort_order")] = None
    page: Positive = 1
    per_page: Annotated[Positive | None, Field(alias="per_page")] = None
    pagination_mode: Annotated[str | None, Field(alias="pagination_mode")] = None
    after: str | None = None
    extra_fields: Annotated[list[str] | None, BeforeValidator(_list_from_text)] = None

    def listing(self) -> Listing:
        """Return the wishes for the store."""
        by_token = self.pagination_mode == "token"
        default = MAX_PER_PAGE if by_token else DEFAULT_PER_PAGE
        return Listing(
            conditions=tuple(
                Condition(field=entry.field, operator=entry.operator, value=entry.value) for entry in self.filter or ()
            ),
            sort=self.sort,
            descending=self.sort_order == "desc",
            page=self.page,
            per_page=self.per_page or default,
            by_token=by_token,
            after=self.after,
        )

    def wants(self, field: str) -> bool:
        """Return whether an optional column is asked for."""
        return field in (self.extra_fields or ())


def page_json(page: IdPage, entities: Sequence[object]) -> dict[str, object]:
    """Return a page as clients read it; they need every key."""
    return {
        "total": page.total,
        "perPage": page.per_page,
        "pagesCount": page.pages_count,
        "after": page.after,
        "entities": entities,
    }


def page_of(items: Sequence[_T], body: ListBody, to_json: Callable[[_T], object]) -> dict[str, object]:
    """Return a page of a short list that is in memory; filters have been applied already."""
    listing = body.listing()
    start = (listing.page - 1) * listing.per_page
    chosen = items[start : start + listing.per_page] if start < len(items) else ()
    page = IdPage(
        total=len(items),
        per_page=listing.per_page,
        pages_count=max(1, -(-len(items) // listing.per_page)),
        ids=(),
    )
    return page_json(page, [to_json(item) for item in chosen])
