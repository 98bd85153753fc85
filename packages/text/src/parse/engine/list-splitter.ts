import { ArgumentBuffer } from "./argument-buffer.ts";

/** What {@link ListSplitter} says of a character. */
export type ListEvent =
  | { readonly kind: "start" }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "end" };

/** Splits a JSON list of calls into its elements, character by character. */
export class ListSplitter {
  private readonly element = new ArgumentBuffer();
  private started = false;
  private inElement = false;

  /** True inside an element. */
  get isOpen(): boolean {
    return this.inElement;
  }

  /** Begins a new list. */
  restart(): void {
    this.started = false;
    this.inElement = false;
  }

  /** Held brackets of an element that was cut off. */
  takeHeld(): string {
    return this.element.takeHeld();
  }

  /**
   * The next character.
   * @returns events; "over" where the list ended with it, "not-a-list" where it cannot belong to one
   */
  push(character: string): readonly ListEvent[] | "over" | "not-a-list" {
    if (this.inElement) return this.inside(character);
    if (" \t\r\n".includes(character)) return [];
    if (!this.started) {
      if (character !== "[") return "not-a-list";
      this.started = true;
      return [];
    }
    if (character === ",") return [];
    if (character === "]") return "over";
    if (character !== "{") return "not-a-list";
    this.element.restart();
    this.element.takeHeld();
    this.inElement = true;
    return [{ kind: "start" }, ...this.inside(character)];
  }

  private inside(character: string): readonly ListEvent[] {
    const text = this.element.push(character);
    const events: ListEvent[] = text === "" ? [] : [{ kind: "text", value: text }];
    if (character === "}" && this.element.isBalanced) {
      this.inElement = false;
      events.push({ kind: "text", value: this.element.takeHeld() }, { kind: "end" });
    }
    return events;
  }
}
