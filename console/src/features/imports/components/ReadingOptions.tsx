import { NativeSelect, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { t } from "@/i18n";
import type { Fields, Preview } from "../api";
import classes from "./Imports.module.css";

type Props = { preview: Preview; options: Fields; onChange: (options: Fields) => void };

/** Those that the platform may ask for. */
const encodings = [
  ...["utf-8", "windows-1250", "windows-1251", "windows-1252", "iso8859-1", "iso8859-2"],
  ...["utf-16", "utf-16-le", "utf-16-be"],
];

/** How the file is read: what was detected, to be changed, and what is open. */
export function ReadingOptions({ preview, options, onChange }: Props) {
  const set = (name: string, value: string) => {
    const { [name]: _, ...rest } = options;
    onChange(value === "" ? rest : { ...rest, [name]: value });
  };
  const setHeader = useDebouncedCallback((value: string) => set("header_line", value), 400);
  const detected = preview.format;
  const others: unknown[] = Array.isArray(detected.other_sheets) ? detected.other_sheets : [];
  const sheets = [detected.sheet, ...others].filter((name) => typeof name === "string");
  const isSheet = detected.kind === "xlsx";
  const auto = { value: "", label: t("As detected") };
  return (
    <details open={preview.columns.length === 0 || preview.questions.length > 0}>
      <summary>{t("How the file is read")}</summary>
      {preview.questions.length > 0 && (
        <>
          <Text size="sm" mt="xs">
            {t("Look at this first:")}
          </Text>
          <ul className={classes.question}>
            {preview.questions.map((question) => (
              <li key={question} dir="auto">
                {question}
              </li>
            ))}
          </ul>
        </>
      )}
      <div className={classes.fields}>
        {isSheet && sheets.length > 1 && (
          <NativeSelect
            label={t("Sheet")}
            data={sheets}
            value={options.sheet ?? sheets[0] ?? ""}
            onChange={(event) => set("sheet", event.currentTarget.value)}
          />
        )}
        {!isSheet && (
          <>
            <NativeSelect
              label={t("Between columns")}
              data={[
                auto,
                { value: ",", label: t("Comma") },
                { value: ";", label: t("Semicolon") },
                { value: "tab", label: t("Tab") },
                { value: "|", label: t("Bar") },
              ]}
              value={options.delimiter ?? ""}
              onChange={(event) => set("delimiter", event.currentTarget.value)}
            />
            <NativeSelect
              label={t("Encoding")}
              data={[auto, ...encodings]}
              value={options.encoding ?? ""}
              onChange={(event) => set("encoding", event.currentTarget.value)}
            />
          </>
        )}
        <NativeSelect
          label={t("Decimal sign")}
          data={[auto, { value: ".", label: t("Point") }, { value: ",", label: t("Comma") }]}
          value={options.decimal ?? ""}
          onChange={(event) => set("decimal", event.currentTarget.value)}
        />
        <NativeSelect
          label={t("Order of dates")}
          data={[
            auto,
            { value: "dmy", label: t("Day, month, year") },
            { value: "mdy", label: t("Month, day, year") },
            { value: "ymd", label: t("Year, month, day") },
          ]}
          value={options.date_order ?? ""}
          onChange={(event) => set("date_order", event.currentTarget.value)}
        />
        <TextInput
          label={t("Line of the headings")}
          description={t("0: the file has none")}
          inputMode="numeric"
          maxLength={6}
          defaultValue={options.header_line ?? ""}
          onChange={(event) => setHeader(event.currentTarget.value.replace(/\D/g, ""))}
        />
      </div>
    </details>
  );
}
