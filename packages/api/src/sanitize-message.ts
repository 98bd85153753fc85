const MEMORY_ADDRESS = / at 0x[0-9a-fA-F]+>/g;
const TRACE_LINE = /\n?\s*File "[^"]+", line \d+, in \S+(\n\s+.*)?/g;
const SYSTEM_PATH = /\/(?:home|usr|opt|var|tmp|root|lib|mnt|srv)(?:\/[\p{L}\p{M}\p{N}\p{Pc}.-]+)+/gu;
const FILE_PATH = /(?:\/[\p{L}\p{M}\p{N}\p{Pc}-]+)+\/[\p{L}\p{M}\p{N}\p{Pc}-]+\.[\p{L}\p{M}\p{N}\p{Pc}]+/gu;

/** Masks memory addresses, trace lines and file paths, as vLLM does with every error message it sends. */
export function sanitizeMessage(message: string): string {
  let text = message;
  if (text.includes("0x")) text = text.replace(MEMORY_ADDRESS, ">");
  if (text.includes('File "')) text = text.replace(TRACE_LINE, "");
  if (text.includes("/")) text = text.replace(SYSTEM_PATH, "<path>").replace(FILE_PATH, "<path>");
  return text.trim();
}
