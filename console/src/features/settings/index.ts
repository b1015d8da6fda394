export { NewOrganizationModal } from "./components/NewOrganizationModal";
