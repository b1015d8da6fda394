export { type Group, RowsApi } from "./api";
export { CellEditor } from "./components/CellEditor";
export { ColumnsMenu } from "./components/ColumnsMenu";
export { FilterBar } from "./components/FilterBar";
export { Grid } from "./components/Grid";
export { LargeValue } from "./components/LargeValue";
export { say, sayError, sayOutcome } from "./components/messages";
export { Editing, reasonOf } from "./data/editing";
export { GridStore } from "./data/store";
export { parse } from "./model/coercion";
export {
  type Column,
  canAdd,
  canDelete,
  type Limits,
  type Reference,
  type Row,
  type Table,
  type Value,
} from "./model/columns";
export { editable, shown } from "./model/display";
export { fieldsQuery, readFields } from "./model/fields";
export {
  type Condition,
  type Filter,
  fromOrderBy,
  fromWhere,
  noFilter,
  type Order,
  toOrderBy,
  toWhere,
  type Where,
} from "./model/filter";
export { arranged, type Layout, noLayout, readLayout, readLayoutValue, widthOf } from "./model/layout";
