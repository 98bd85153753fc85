/** The events of one stream of the Responses API, numbered as they are written. */
export class NumberedEvents {
  #sequence = 0;

  /** One event with the members that sort before its number; those behind the type are `rest`. */
  event(type: string, members: string, rest = ""): string {
    return `event: ${type}\ndata: {${members}"sequence_number":${this.#sequence++},"type":"${type}"${rest}}\n\n`;
  }

  /** The end of a text: here it stands between number and type. @param text JSON */
  textDone(type: string, members: string, text: string): string {
    return `event: ${type}\ndata: {${members}"sequence_number":${this.#sequence++},"text":${text},"type":"${type}"}\n\n`;
  }
}
