"""Whose key a request carries, and whether its role will do.

A request without Authorization is anonymous and costs nothing. One with a key that does not hold is refused
wherever it goes, so that nobody mistakes an anonymous answer for one of their own, and after many of them no
more are looked up for a while. Keys themselves are
`db/access.py`'s business; how much a key may write is `api/limits.py`'s.
"""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Annotated

from fastapi import Depends, Request

from api.deps import PrimaryDep, WriterDep
from api.errors import ApiError, ProblemCode
from api.reading import READING, Reading
from api.readlimits import ReadLimits
from db.access import Caller, KeyFault, KeyRefusedError, verify_key
from db.enums import Role

CHALLENGE = 'Bearer realm="exchanges"'
FORM = "Authorization: Bearer exk_<id>_<secret>"
REFUSALS = {
    KeyFault.UNKNOWN: "There is no such key.",
    KeyFault.EXPIRED: "The key has expired.",
    KeyFault.REVOKED: "The key was revoked.",
}


async def key_of_request(request: Request, primary: PrimaryDep, writer: WriterDep) -> Caller | None:
    """Tell whose key a request carries; None without Authorization.

    Raises:
        ApiError: unauthenticated; too_many_requests, for one of many that do not hold.
    """
    sent = request.headers.getlist("authorization")
    if not sent:
        return None
    if len(sent) > 1:
        raise _refused("The request has more than one Authorization header.")
    scheme, _, token = sent[0].strip().partition(" ")
    if scheme.lower() != "bearer":
        raise _refused(f"The scheme of Authorization must be Bearer, as in {FORM}.")
    limits: ReadLimits = request.state.read_limits
    reading: Reading | None = request.scope.get(READING)
    header = sent[0].encode("latin-1")
    guess = nullcontext() if reading is None or limits.knows(header) else reading.guess()
    try:
        async with guess:
            caller = await verify_key(primary, token.strip(" "), writer=writer)
    except KeyRefusedError as error:
        limits.key_fails(header)
        raise _refused(REFUSALS[error.fault]) from None
    limits.key_holds(header, caller.key_id)
    return caller


def _refused(sentence: str) -> ApiError:
    """Make the problem of a key that does not hold; the sentence must be fit for a quoted string."""
    challenge = f'{CHALLENGE}, error="invalid_token", error_description="{sentence}"'
    return ApiError(ProblemCode.UNAUTHENTICATED, sentence, headers={"WWW-Authenticate": challenge})


CallerDep = Annotated[Caller | None, Depends(key_of_request)]


def _at_least(role: Role) -> Callable[[Caller | None], Awaitable[Caller]]:
    """Make the dependency that refuses whoever may do less than a role."""

    async def caller(caller: CallerDep) -> Caller:
        if caller is None:
            detail = f"This needs a key: {FORM}."
            raise ApiError(ProblemCode.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": CHALLENGE})
        if caller.role.rank < role.rank:
            detail = f"This needs the role {role}; the key {caller.key_id} has the role {caller.role}."
            raise ApiError(ProblemCode.FORBIDDEN, detail)
        return caller

    return caller


ContributorDep = Annotated[Caller, Depends(_at_least(Role.CONTRIBUTOR))]
CuratorDep = Annotated[Caller, Depends(_at_least(Role.CURATOR))]
AdminDep = Annotated[Caller, Depends(_at_least(Role.ADMIN))]
