const MAX_LINE_CHARACTERS = 16_384;

/**
 * Cuts a stream of text into lines. What a carriage return overwrites (progress bars) is left out, and a line without
 * an end is cut at 16,384 characters.
 * @returns `push` for text as it arrives, `end` for what is left at the end
 */
export function createLineReader(onLine: (line: string) => void): {
  push(text: string): void;
  end(): void;
} {
  let rest = "";
  const emit = (line: string): void => {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    onLine(text.slice(text.lastIndexOf("\r") + 1));
  };
  return {
    push(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) emit(line);
      if (rest.length > MAX_LINE_CHARACTERS) {
        emit(rest);
        rest = "";
      }
    },
    end() {
      if (rest !== "") emit(rest);
      rest = "";
    },
  };
}
