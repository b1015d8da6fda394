export {
  createOrganization,
  type Me,
  meQuery,
  type Organization,
  organizationSearchQuery,
  organizationsQuery,
  type Role,
  setUpQuery,
} from "./api";
export { SignInForm } from "./components/SignInForm";
export { useSignOut } from "./components/useSignOut";
export { WhereTheLinkIs } from "./components/WhereTheLinkIs";
export { missing, missingEmail } from "./model/faults";
export { describeRole, nameOfRole, roles } from "./model/roles";
export { useUserId } from "./model/use-user-id";
