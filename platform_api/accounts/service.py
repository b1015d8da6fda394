"""Manages organizations, users and their memberships."""

from typing import ClassVar

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, MissingRole
from platform_api.accounts.invitations.revocation import revoke_invitations_by
from platform_api.accounts.models import Membership, Organization, Role, SignIn, Token, User
from platform_api.accounts.passwords import hash_password, is_password_right
from platform_api.accounts.resets.models import PasswordReset
from platform_api.accounts.schemas import UserUpdate
from platform_api.accounts.slugs import free_slug
from platform_api.accounts.tenancy import visible_organization_ids, visible_to
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import Conflict, NameTaken, NotFound, Unprocessable
from platform_api.core.paging import Orders, Part, Window, contains, read_items, read_rows
from platform_api.core.types import OrganizationId, UserId

_USER_ORDERS = Orders("users", User.id, created_at=User.id, name=func.lower(User.name), email=User.email)
_MEMBER_ORDERS = Orders(
    "members", User.id, created_at=Membership.created_at, name=func.lower(User.name), email=User.email
)


class LastOwner(Conflict):
    """Reports that an organization would be left without an owner."""

    code: ClassVar[str] = "last_owner"


class UserExists(Conflict):
    """Reports that a user has this e-mail already."""

    code = "user_exists"


class UnknownUser(NotFound):
    """Reports that nobody has this e-mail; with a password they would be created."""

    code = "unknown_user"


class WrongPassword(Unprocessable):
    """Reports that the current password, which a change asks for, is wrong."""

    code = "wrong_password"


class AlreadyMember(Conflict):
    """Reports that the user is a member of the organization."""

    code = "already_member"


class LastOperator(Conflict):
    """Reports that the installation would be left without an operator."""

    code = "last_operator"


def normalize_email(email: str) -> str:
    """Returns an e-mail address as it is stored and compared."""
    return email.strip().lower()


async def create_organization(
    session: AsyncSession, *, name: str, owner_id: UserId, slug: str | None = None
) -> Organization:
    """Creates an organization with its first owner. Raises Conflict when the slug is taken."""
    if slug is None:
        slug = await free_slug(session, name, prefix="org", taken=select(Organization.slug))
    statement = insert(Organization).values(name=name, slug=slug).on_conflict_do_nothing().returning(Organization)
    organization = await session.scalar(statement)
    if organization is None:
        raise NameTaken(f"the organization slug {slug!r} is taken; choose another", field="slug")
    session.add(Membership(user_id=owner_id, organization_id=organization.id, role=Role.OWNER))
    await session.flush()
    return organization


async def list_organizations(
    session: AsyncSession, actor: Actor, *, limit: int, search: str | None = None, after: int = 0
) -> list[tuple[Organization, Role]]:
    """Returns the caller's first `limit` organizations with an id above `after`, with the caller's role in each.

    `search` looks in names and slugs.
    """
    statement = _own_organizations(actor).where(Organization.id > after).order_by(Organization.id).limit(limit)
    if search:
        statement = statement.where(contains(search, Organization.name, Organization.slug))
    return [
        (organization, _shown_role(actor, organization, role))
        for organization, role in await session.execute(statement)
    ]


async def count_members(session: AsyncSession, actor: Actor) -> int:
    """Returns how many members the organization of `actor` has."""
    statement = select(func.count()).where(visible_to(actor, Membership.organization_id))
    return await session.scalar(statement) or 0


def _shown_role(actor: Actor, organization: Organization, role: Role) -> Role:
    """Returns the caller's role in an organization, or that which they view as."""
    # tenancy: both are the caller's own
    return actor.role if actor.is_viewing and organization.id == actor.organization_id else role


def _own_organizations(actor: Actor) -> Select[Organization, Role]:
    return (
        select(Organization, Membership.role)
        .join(Membership, Membership.organization_id == Organization.id)  # tenancy: joined to the caller's own below
        .where(
            Membership.user_id == actor.user_id,
            Organization.id.in_(visible_organization_ids(actor, across=True)),
        )
    )


async def get_organization(session: AsyncSession, actor: Actor, reference: str) -> tuple[Organization, Role]:
    """Returns one of the caller's organizations by id or slug, with their role in it. Raises NotFound."""
    matches = Organization.slug == reference.replace("\x00", "")
    if reference.isascii() and reference.isdecimal() and len(reference) < 10:
        matches = Organization.id == int(reference)
    row = (await session.execute(_own_organizations(actor).where(matches))).one_or_none()
    if row is None:
        raise NotFound(f"there is no organization {reference}")
    organization, role = row
    return organization, _shown_role(actor, organization, role)


async def get_managed_organization(session: AsyncSession, actor: Actor, reference: str) -> Organization:
    """Returns an organization that the caller owns. Raises NotFound, Forbidden."""
    organization, role = await get_organization(session, actor, reference)
    if role is not Role.OWNER:
        raise MissingRole(f"only an owner of {organization.slug} may do this; your role is {role!s}")
    return organization


async def create_user(
    session: AsyncSession, *, email: str, password: str | None, name: str = "", is_operator: bool = False
) -> User:
    """Creates a user without a membership. Raises Conflict when the e-mail is in use."""
    password_hash = None if password is None else await hash_password(password)
    return await store_user(session, email=email, password_hash=password_hash, name=name, is_operator=is_operator)


async def store_user(
    session: AsyncSession, *, email: str, password_hash: str | None, name: str, is_operator: bool = False
) -> User:
    """Does what `create_user` does, with a hash that was made without a connection."""
    values = {
        "email": normalize_email(email),
        "name": name,
        "password_hash": password_hash,
        "is_operator": is_operator,
    }
    user: User | None = await session.scalar(insert(User).values(values).on_conflict_do_nothing().returning(User))
    if user is None:
        raise UserExists(f"a user with the e-mail {normalize_email(email)} already exists", field="email")
    return user


async def find_user(session: AsyncSession, email: str) -> User | None:
    """Returns the user with this e-mail; None when there is none."""
    user: User | None = await session.scalar(select(User).where(User.email == normalize_email(email)))
    return user


async def change_password(
    session: AsyncSession, user: User, *, current: str, new: str, kept_cookie: str | None = None
) -> None:
    """Replaces the user's password. Raises Unprocessable when `current` is wrong.

    It ends every sign-in, and every link to set a new password, except the sign-in of `kept_cookie`.
    """
    if not await is_password_right(current, user.password_hash):
        raise WrongPassword("current_password: is wrong", field="current_password")
    await set_password(session, user, new, kept_cookie=kept_cookie)


async def set_password(session: AsyncSession, user: User, password: str, *, kept_cookie: str | None = None) -> None:
    """Gives the user a new password; ends what was made with the old one, except the sign-in of `kept_cookie`."""
    await store_password(session, user, await hash_password(password), kept_cookie=kept_cookie)


async def store_password(
    session: AsyncSession, user: User, password_hash: str, *, kept_cookie: str | None = None
) -> None:
    """Does what `set_password` does, with a hash that was made without a connection."""
    user.password_hash = password_hash
    ended = delete(SignIn).where(SignIn.user_id == user.id)
    if kept_cookie is not None:
        ended = ended.where(SignIn.digest != digest_of(kept_cookie))
    await session.execute(ended.execution_options(synchronize_session=False))
    await session.execute(delete(PasswordReset).where(PasswordReset.user_id == user.id))


async def load_user(session: AsyncSession, user_id: UserId) -> User:
    """Returns a user that something refers to, such as the caller's own."""
    return await session.get_one(User, user_id)


async def load_organization(session: AsyncSession, organization_id: OrganizationId) -> Organization:
    """Returns an organization that something refers to which the caller was found to see."""
    return await session.get_one(Organization, organization_id)


async def list_users(
    session: AsyncSession,
    *,
    search: str | None = None,
    order: str = "created_at",
    window: Window | None = None,
) -> Part[User]:
    """Returns a part of the installation's users, for its operators; `search` looks in names and e-mail addresses."""
    statement = select(User)
    if search:
        statement = statement.where(contains(search, User.name, User.email))
    return await read_items(session, statement, _USER_ORDERS.of(order), window)


async def update_user(session: AsyncSession, user_id: UserId, changes: UserUpdate) -> User:
    """Changes a user, for operators. Raises NotFound, and Conflict for the last active operator."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    ran_installation = user.is_operator and user.is_active
    for name, value in changes.model_dump(exclude={"password"}, exclude_none=True).items():
        setattr(user, name, value)
    if changes.password is not None:
        await set_password(session, user, changes.password)
    if not user.is_active:
        await revoke_invitations_by(session, user.id)
    await session.flush()
    operators = select(func.count()).select_from(User).where(User.is_operator, User.is_active)
    if ran_installation and not await session.scalar(operators):
        raise LastOperator("the installation would be left without an operator; make another user an operator first")
    return user


async def list_members(
    session: AsyncSession,
    organization: Organization,
    *,
    search: str | None = None,
    order: str = "created_at",
    window: Window | None = None,
) -> Part[tuple[User, Membership]]:
    """Returns a part of an organization's members; `search` looks in names and e-mail addresses."""
    statement = select(User, Membership).join(Membership, Membership.user_id == User.id).where(_in(organization.id))
    if search:
        statement = statement.where(contains(search, User.name, User.email))
    return await read_rows(session, statement, _MEMBER_ORDERS.of(order, within=organization.id), window)


async def add_member(
    session: AsyncSession,
    organization: Organization,
    *,
    email: str,
    role: Role,
    name: str = "",
    password: str | None = None,
) -> tuple[User, Membership]:
    """Adds an existing user, or creates one when a password is given. Raises NotFound, Conflict."""
    user = await find_user(session, email)
    if user is None:
        if password is None:
            raise UnknownUser(
                f"there is no user {normalize_email(email)}; give a password to create them", field="email"
            )
        user = await create_user(session, email=email, password=password, name=name)
    elif password is not None:
        raise UserExists(
            f"the user {user.email} already exists; leave out the password to add them", field="password"
        )
    statement = (
        insert(Membership)
        .values(user_id=user.id, organization_id=organization.id, role=role)
        .on_conflict_do_nothing()
        .returning(Membership)
    )
    membership = await session.scalar(statement)
    if membership is None:
        raise AlreadyMember(f"{user.email} is already a member of {organization.slug}", field="email")
    return user, membership


async def join_organization(
    session: AsyncSession, *, user_id: UserId, organization_id: OrganizationId, role: Role
) -> None:
    """Makes a user a member; the caller has checked that they may be."""
    session.add(Membership(user_id=user_id, organization_id=organization_id, role=role))
    await session.flush()


async def organizations_of(session: AsyncSession, user: User) -> list[Organization]:
    """Returns the organizations of a user, oldest first."""
    statement = (
        select(Organization)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user.id)
        .order_by(Organization.id)
    )
    return list(await session.scalars(statement))


async def change_role(
    session: AsyncSession, organization: Organization, *, user_id: UserId, role: Role
) -> tuple[User, Membership]:
    """Gives a member another role; who is no owner any more invites nobody. Raises NotFound, LastOwner."""
    user, membership = await _get_member(session, organization, user_id)
    if membership.role is Role.OWNER and role is not Role.OWNER:
        await _require_another_owner(session, organization, user_id)
        await revoke_invitations_by(session, user_id, organization=organization)
    membership.role = role
    await session.flush()
    return user, membership


async def remove_member(session: AsyncSession, organization: Organization, *, user_id: UserId) -> None:
    """Removes a member; revokes their tokens and invitations to the organization. Raises NotFound, LastOwner."""
    _, membership = await _get_member(session, organization, user_id)
    if membership.role is Role.OWNER:
        await _require_another_owner(session, organization, user_id)
    await session.delete(membership)
    # Otherwise these would work again if the user is added again.
    revoked = update(Token).where(Token.user_id == user_id, Token.revoked_at.is_(None)).values(revoked_at=func.now())
    # tenancy: the organization whose owner is removing the member
    await session.execute(revoked.where(Token.organization_id == organization.id))
    await revoke_invitations_by(session, user_id, organization=organization)
    await session.flush()


async def role_in(session: AsyncSession, *, user_id: UserId, organization_id: OrganizationId) -> Role | None:
    """Returns the user's role in an organization; None when they are not a member."""
    role: Role | None = await session.scalar(
        select(Membership.role).where(Membership.user_id == user_id, _in(organization_id))
    )
    return role


def _in(organization_id: OrganizationId) -> ColumnElement[bool]:
    # tenancy: callers have this id from get_organization or from the actor
    return Membership.organization_id == organization_id


async def _get_member(session: AsyncSession, organization: Organization, user_id: UserId) -> tuple[User, Membership]:
    # The organization's row is locked so that two owners cannot remove each other at the same moment.
    await session.execute(select(Organization.id).where(Organization.id == organization.id).with_for_update())
    statement = (
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(_in(organization.id), User.id == user_id)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"there is no member {user_id} in {organization.slug}")
    user, membership = row
    return user, membership


async def _require_another_owner(session: AsyncSession, organization: Organization, user_id: UserId) -> None:
    others = await session.scalar(
        select(func.count())
        .select_from(Membership)
        .where(_in(organization.id), Membership.role == Role.OWNER, Membership.user_id != user_id)
    )
    if not others:
        raise LastOwner(f"{organization.slug} would be left without an owner; make another member an owner first")
