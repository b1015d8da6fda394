"""Defines why an invitation cannot be accepted; programs tell the reasons apart by their `code`."""

from typing import ClassVar

from platform_api.accounts.invitations.models import InvitationState
from platform_api.core.errors import Conflict, Forbidden, Gone, NotFound, Unauthenticated


class UnknownInvitation(NotFound):
    """Reports that there is no such link."""

    code: ClassVar[str] = "invitation_unknown"


class InvitationEnded(Gone):
    """Reports that the link was right once; what derives from it says why it is not now."""


class InvitationUsed(InvitationEnded):
    """Reports that somebody has accepted the invitation."""

    code: ClassVar[str] = "invitation_used"


class InvitationExpired(InvitationEnded):
    """Reports that the invitation's time is over."""

    code: ClassVar[str] = "invitation_expired"


class InvitationRevoked(InvitationEnded):
    """Reports that an owner has withdrawn the invitation."""

    code: ClassVar[str] = "invitation_revoked"


class InvitationForAnother(Forbidden):
    """Reports that the invitation names another e-mail than the caller's."""

    code: ClassVar[str] = "invitation_for_another"


class AlreadyMember(Conflict):
    """Reports that the user is a member already; the invitation stays as it is."""

    code: ClassVar[str] = "already_member"


class EmailHasAccount(Conflict):
    """Reports that the e-mail has an account, which a link does not open."""

    code: ClassVar[str] = "email_has_account"


class SignInNeeded(Unauthenticated):
    """Reports that the request neither comes from a user nor describes a new one."""

    code: ClassVar[str] = "sign_in_needed"


class SignedInAlready(Conflict):
    """Reports that a signed-in user asks for a second account."""

    code: ClassVar[str] = "signed_in_already"


class TooManyInvitations(Conflict):
    """Reports that the organization has as many pending invitations as it may have."""

    code: ClassVar[str] = "too_many_invitations"


def ended(state: InvitationState) -> InvitationEnded:
    """Returns the error for an invitation that has ended."""
    if state is InvitationState.ACCEPTED:
        return InvitationUsed("this invitation has been used already; sign in, or ask an owner for a new one")
    if state is InvitationState.REVOKED:
        return InvitationRevoked("this invitation has been withdrawn; ask an owner for a new one")
    return InvitationExpired("this invitation has expired; ask an owner for a new one")
