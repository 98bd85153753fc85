import { TextError } from "../../text-error.ts";

/** Stops the rendering with the message jinja2 or Python would give. */
export function fail(message: string): never {
  throw new TextError("template_failed", message);
}
