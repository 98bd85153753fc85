/** Longest name that is looked for; models are named by people. */
const MAX_NAME_BYTES = 512;

/** Longest head of a part. */
const MAX_HEAD_BYTES = 8 * 1024;

/**
 * The `model` field of a form (`multipart/form-data`) as far as it can be seen in the beginning of its body; empty where
 * it cannot. Only routing looks at it: the worker reads the form itself.
 */
export function multipartModel(contentType: string | undefined, beginning: Uint8Array): string {
  const boundary = /^multipart\/form-data\b.*?;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? "");
  if (boundary === null) {
    return "";
  }
  const delimiter = `--${boundary[1] ?? boundary[2]}`;
  // Bytes as characters: a file's content must not be decoded, only passed over.
  const text = Buffer.from(beginning).toString("latin1");
  let at = text.indexOf(delimiter);
  while (at >= 0) {
    const headEnd = text.indexOf("\r\n\r\n", at);
    const end = headEnd < 0 ? -1 : text.indexOf(`\r\n${delimiter}`, headEnd + 2);
    if (headEnd < 0 || end < 0 || headEnd - at > MAX_HEAD_BYTES) {
      return "";
    }
    if (isModelField(text.slice(at + delimiter.length, headEnd))) {
      const value = text.slice(headEnd + 4, end);
      return value.length > MAX_NAME_BYTES ? "" : Buffer.from(value, "latin1").toString("utf8");
    }
    at = end + "\r\n".length;
  }
  return "";
}

function isModelField(head: string): boolean {
  const disposition = /^content-disposition:\s*form-data\b(.*)$/im.exec(head)?.[1] ?? "";
  return /;\s*name=(?:"model"|model)\s*(?:;|$)/i.test(disposition) && !/;\s*filename\*?=/i.test(disposition);
}
