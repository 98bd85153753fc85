import { symbols, type Logger } from "pino";

/** Writes lines that another thread's logger has made where this one's go. */
export function writeLines(logger: Logger, lines: string): void {
  const { [symbols.streamSym]: stream } = logger as unknown as Record<
    symbol,
    { write(line: string): unknown } | undefined
  >;
  for (const line of lines.split("\n")) {
    if (line !== "") {
      stream?.write(`${line}\n`);
    }
  }
}
