import type { DestinationStream } from "pino";

/** Names of pino's levels, padded to one width. */
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: "TRACE",
  20: "DEBUG",
  30: "INFO ",
  40: "WARN ",
  50: "ERROR",
  60: "FATAL",
};

/** A destination that can be emptied before the process ends. */
interface FlushableDestination extends DestinationStream {
  flush?(callback?: (error?: Error) => void): void;
}

/**
 * Turns the logger's JSON records into lines for a person: `12:03:04 INFO  worker ready worker=http://n1:50051`. Time is
 * local; empty values are left out; the stack of an error follows on lines of its own.
 * @param destination where the lines go
 */
export function textLog(destination: FlushableDestination): FlushableDestination {
  return {
    write: (record) => {
      destination.write(`${formatRecord(JSON.parse(record) as Readonly<Record<string, unknown>>)}\n`);
    },
    flush: (callback) => {
      if (destination.flush === undefined) {
        callback?.();
      } else {
        destination.flush(callback);
      }
    },
  };
}

function formatRecord(record: Readonly<Record<string, unknown>>): string {
  const { level, time, msg, err, ...fields } = record;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const shown = Object.entries(fields).flatMap(([name, value]) => {
    const text = formatValue(value);
    return text === "" ? [] : [`${name}=${text}`];
  });
  const head = [
    clock,
    LEVEL_NAMES[Number(level)] ?? String(level),
    typeof msg === "string" ? msg : "",
    ...shown,
  ].join(" ");
  const stack = (err as { readonly stack?: unknown } | undefined)?.stack;
  return typeof stack === "string" ? `${head}\n${stack.replace(/^/gm, "    ")}` : head;
}

function formatValue(value: unknown): string {
  if (value === null || value === undefined) {
    return "";
  }
  if (Array.isArray(value)) {
    return value.map(formatValue).join(",");
  }
  if (typeof value === "number") {
    return String(Math.round(value * 10) / 10);
  }
  if (typeof value === "string") {
    return value === "" || /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  }
  return JSON.stringify(value);
}
