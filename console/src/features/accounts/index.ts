export { type Me, meQuery, type Organization, organizationsQuery, signOut } from "./api";
export { SignInForm } from "./components/SignInForm";
