import { t } from "@/i18n";

/** One fault of one field; `path` is dotted, as forms name fields (`columns.0.name`). */
export type FieldFault = { path: string; message: string };

/** An answer of the API that is an error, in its one shape. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: readonly FieldFault[],
    readonly requestId: string | null,
    readonly retryAfter: number | null,
  ) {
    super(message);
  }
}

/** The server could not be reached, or broke off. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
}

/** An error in the answer of an app's GraphQL, which comes with status 200. */
export class GraphqlError extends Error {
  override readonly name = "GraphqlError";

  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }

  /** The constraint that refused a value, if one did. */
  get constraint(): string | null {
    return /violates (?:unique|check|foreign key) constraint "([^"]+)"/.exec(this.message)?.[1] ?? null;
  }

  /** The column that must not be NULL, if that was it. */
  get emptyColumn(): string | null {
    return /null value in column "([^"]+)"/.exec(this.message)?.[1] ?? null;
  }
}

/** Reads an error answer, also one that something in front of the platform made. */
export async function readError(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id");
  const retryAfter = Number(response.headers.get("retry-after")) || null;
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = null;
  }
  const shape: Record<string, unknown> = isRecord(body) ? body : {};
  // GraphQL has a shape of its own, also for what is refused before it runs.
  const [first]: unknown[] = Array.isArray(shape.errors) ? shape.errors : [];
  const detail = isRecord(first) ? first.message : shape.detail;
  const fields = Array.isArray(shape.fields) ? shape.fields.filter(isFieldFault) : [];
  return new ApiError(
    response.status,
    typeof shape.code === "string" ? shape.code : `http_${response.status}`,
    typeof detail === "string" ? detail : t("The server answered {status}.", { status: response.status }),
    fields,
    typeof shape.request_id === "string" ? shape.request_id : requestId,
    retryAfter,
  );
}

/** Returns what to show a person about any error, as a sentence. */
export function messageOf(error: unknown): string {
  if (error instanceof NetworkError) return t("The server cannot be reached. What you typed is kept; try again.");
  if (error instanceof ApiError || error instanceof GraphqlError) return sentence(error.message);
  return t("Something in the console failed. Reload the page; what you typed is kept.");
}

/** Returns the faults of fields as a form takes them: path to message. */
export function faultsOf(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  return Object.fromEntries(error.fields.map(({ path, message }) => [path, sentence(message)]));
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFieldFault(value: unknown): value is FieldFault {
  return isRecord(value) && typeof value.path === "string" && typeof value.message === "string";
}
