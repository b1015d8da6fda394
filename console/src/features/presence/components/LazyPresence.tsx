import { type ComponentProps, lazy, Suspense } from "react";

const Shown = lazy(() => import("./Presence").then((module) => ({ default: module.Presence })));

/** Says by name who else has this document open now. It is loaded after the document itself. */
export function Presence(props: ComponentProps<typeof Shown>) {
  return (
    <Suspense fallback={null}>
      <Shown {...props} />
    </Suspense>
  );
}
