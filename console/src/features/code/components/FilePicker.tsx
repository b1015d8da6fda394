import { Modal, Select } from "@mantine/core";
import { useState } from "react";
import { t } from "@/i18n";

type Props = { paths: Iterable<string>; onOpen: (path: string) => void; onClose: () => void };

/** Opens a file by a part of its name. */
export function FilePicker({ paths, onOpen, onClose }: Props) {
  const [search, setSearch] = useState("");
  return (
    <Modal opened onClose={onClose} title={t("Open a file")}>
      <Select
        label={t("Name of the file")}
        data={[...paths].sort()}
        searchable
        selectFirstOptionOnChange
        defaultDropdownOpened
        searchValue={search}
        onSearchChange={setSearch}
        nothingFoundMessage={t("No file has this in its name.")}
        limit={50}
        data-autofocus
        onChange={(path) => {
          if (path === null) return;
          onClose();
          onOpen(path);
        }}
      />
    </Modal>
  );
}
