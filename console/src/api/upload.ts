import { NetworkError, readError } from "./errors";
import { askToSignIn } from "./session";

type Upload = {
  path: string;
  form: FormData;
  headers: Record<string, string>;
  /** Called with the part of the form that has gone, from 0 to 1. */
  onProgress: (part: number) => void;
  signal: AbortSignal;
};

/** Sends a form with POST. Whatever is not a success rejects with ApiError or NetworkError, as other requests do. */
export async function upload(sent: Upload): Promise<Response> {
  const response = await attempt(sent);
  if (response.ok) return response;
  const error = await readError(response);
  if (error.status === 401 && (await askToSignIn())) return upload(sent);
  throw error;
}

function attempt({ path, form, headers, onProgress, signal }: Upload): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total);
    request.onload = () => resolve(responseOf(request));
    request.onerror = () => reject(new NetworkError("no answer"));
    request.onabort = () => reject(new DOMException("the upload was cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    if (signal.aborted) request.abort();
    else request.send(form);
  });
}

function responseOf(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const name of ["x-request-id", "retry-after", "content-type"]) {
    const value = request.getResponseHeader(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(request.responseText, { status: request.status, headers });
}
