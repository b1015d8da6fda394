export { membersQuery } from "./api";
export { NewOrganizationModal } from "./components/NewOrganizationModal";
