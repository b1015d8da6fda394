export { snippetOf } from "./model/snippets";
