import { TextError } from "../../text-error.ts";

/** Refuses a template, with jinja2's message. */
export function refuse(message: string): never {
  throw new TextError("template_invalid", message);
}
