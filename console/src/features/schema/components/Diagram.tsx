import { ActionIcon, NativeSelect, Text } from "@mantine/core";
import IconMaximize from "@tabler/icons-react/icons/IconMaximize";
import IconZoomIn from "@tabler/icons-react/icons/IconZoomIn";
import IconZoomOut from "@tabler/icons-react/icons/IconZoomOut";
import { useQuery } from "@tanstack/react-query";
import { type Edge, MarkerType, Panel, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useEffect, useMemo } from "react";
import { useApi } from "@/api/context";
import { type TableRead, tablesQuery } from "@/features/tables";
import { t } from "@/i18n";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorPanel } from "@/ui/ErrorPanel";
import { LoadingRows } from "@/ui/Page";
import { number } from "@/ui/time";
import { around, edgesOf, maxTables, mostConnected } from "../model/diagram";
import { placesOf } from "../model/places";
import classes from "./Diagram.module.css";
import { DiagramTable, type TableNode } from "./DiagramTable";
import "@xyflow/react/dist/base.css";

type Props = {
  app: string;
  search: string;
  /** The table whose surroundings are shown; null: all tables, if one picture can show them. */
  chosen: string | null;
  onChoose: (table: string | null) => void;
};

const nodeTypes = { table: DiagramTable };

/** The tables of an app as a picture: their columns, and which table refers to which. */
export function Diagram({ app, search, chosen, onChoose }: Props) {
  const tables = useQuery(tablesQuery(useApi(), app));
  if (tables.error) return <ErrorPanel error={tables.error} onRetry={() => tables.refetch()} />;
  if (tables.data === undefined) return <LoadingRows count={10} />;
  const all = tables.data.tables;
  if (all.length === 0)
    return <EmptyState title={t("No tables yet")}>{t("The diagram shows tables and their references.")}</EmptyState>;
  const isLarge = all.length > maxTables;
  const known = all.some(({ name }) => name === chosen) ? chosen : null;
  const middle = known ?? (isLarge ? mostConnected(all) : null);
  const shown = middle === null ? all : around(all, middle);
  return (
    <>
      <div className={classes.bar}>
        <NativeSelect
          label={t("Tables around")}
          size="xs"
          data={[...(isLarge ? [] : [{ value: "", label: t("All tables") }]), ...all.map(({ name }) => name)]}
          value={middle ?? ""}
          onChange={({ currentTarget: { value } }) => onChoose(value === "" ? null : value)}
        />
        <Text size="sm" c="dimmed" role="status">
          {isLarge
            ? t("{all} tables are too many for one picture: these are the {shown} nearest to {middle}.", {
                all: number(all.length),
                shown: number(shown.length),
                middle: middle ?? "",
              })
            : t("{count, plural, one {# table} other {# tables}}. The list shows the same as text.", {
                count: shown.length,
              })}
        </Text>
      </div>
      <ReactFlowProvider>
        <Picture app={app} tables={shown} search={search} middle={middle} />
      </ReactFlowProvider>
    </>
  );
}

type PictureProps = { app: string; tables: readonly TableRead[]; search: string; middle: string | null };

function Picture({ app, tables, search, middle }: PictureProps) {
  const flow = useReactFlow();
  const places = useMemo(() => placesOf(tables), [tables]);
  const found = useMemo(() => matching(tables, search), [tables, search]);
  const nodes = useMemo(
    () =>
      tables.map((table): TableNode => {
        const { x, y, width, height } = places.get(table.name) ?? { x: 0, y: 0, width: 0, height: 0 };
        const isDimmed = found !== null && !found.has(table.name);
        const data = { app, table, isDimmed, isChosen: table.name === middle };
        return { id: table.name, type: "table", position: { x, y }, width, height, data };
      }),
    [app, tables, places, found, middle],
  );
  const edges = useMemo(() => edgesOf(tables).map(lineOf), [tables]);
  // What is shown changes with the search and the chosen table, and with it where to look.
  useEffect(() => {
    const seen = found === null || found.size === 0 ? tables.map(({ name }) => name) : [...found];
    void flow.fitView({ nodes: seen.map((id) => ({ id })), maxZoom: 1, padding: 0.1 });
  }, [flow, found, tables]);
  return (
    <section className={classes.frame} aria-label={t("Diagram of the tables")}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.1 }}
        minZoom={0.05}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
      >
        <Panel position="top-right">
          <ZoomButtons />
        </Panel>
      </ReactFlow>
    </section>
  );
}

function ZoomButtons() {
  const flow = useReactFlow();
  const buttons = [
    { label: t("Zoom in"), Icon: IconZoomIn, run: () => flow.zoomIn() },
    { label: t("Zoom out"), Icon: IconZoomOut, run: () => flow.zoomOut() },
    { label: t("Show all of it"), Icon: IconMaximize, run: () => flow.fitView({ padding: 0.1 }) },
  ];
  return (
    <div className={classes.zoom}>
      {buttons.map(({ label, Icon, run }) => (
        <ActionIcon key={label} variant="default" aria-label={label} title={label} onClick={() => void run()}>
          <Icon size={18} aria-hidden />
        </ActionIcon>
      ))}
    </div>
  );
}

/** Returns the names of the tables that contain what is searched, in their name or in that of a column. */
function matching(tables: readonly TableRead[], search: string): Set<string> | null {
  const word = search.toLocaleLowerCase();
  if (word === "") return null;
  const has = (name: string) => name.toLocaleLowerCase().includes(word);
  return new Set(
    tables
      .filter(({ name, columns }) => has(name) || columns.some((column) => has(column.name)))
      .map(({ name }) => name),
  );
}

function lineOf({ from, to, column }: ReturnType<typeof edgesOf>[number]): Edge {
  return {
    id: `${from}.${column}`,
    source: from,
    target: to,
    type: "default",
    ariaLabel: t("{from} refers to {to} by {column}", { from, to, column }),
    markerEnd: { type: MarkerType.ArrowClosed },
  };
}
