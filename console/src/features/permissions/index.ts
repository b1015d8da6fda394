export { WhyNotSeen } from "./components/WhyNotSeen";
