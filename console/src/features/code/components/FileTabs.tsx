import { t } from "@/i18n";
import { DocumentTabs } from "@/ui/DocumentTabs";

type Props = {
  paths: readonly string[];
  path: string | null;
  changed: ReadonlySet<string>;
  onOpen: (path: string) => void;
  onClose: (path: string) => void;
};

/** The open files. */
export function FileTabs({ paths, path, changed, onOpen, onClose }: Props) {
  const documents = paths.map((item) => ({
    id: item,
    title: item.split("/").at(-1) ?? item,
    hint: item,
    isChanged: changed.has(item),
  }));
  return <DocumentTabs label={t("Open files")} documents={documents} shown={path} onOpen={onOpen} onClose={onClose} />;
}
