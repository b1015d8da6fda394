import { setupI18n } from "@lingui/core";
import { compileMessage } from "@lingui/message-utils/compileMessage";

/**
 * Texts are written in English where they are used and are their own keys: `t("{count, plural, one {# row} other
 * {# rows}}", { count })`. A catalogue of another language maps them; ICU's plurals and selections are compiled when a
 * text is first shown.
 */
const i18n = setupI18n({ locale: "en", locales: ["en"], messages: { en: {} } });
i18n.setMessagesCompiler(compileMessage);

/** Returns `message` in the language of the console, with `values` put in. */
export function t(message: string, values?: Record<string, string | number>): string {
  return i18n._(message, values);
}

/** The language of numbers, dates and lists: the browser's, which may differ from that of the texts. */
export const locale: string = globalThis.navigator?.language || "en";
