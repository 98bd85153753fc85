import { quoteJson } from "../json/string-text.ts";
import { bytesText, entriesOf } from "../response/logprob-text.ts";
import type { PositionLogprobs, TokenLogprob } from "../writer.ts";

/** How logprobs are shown. */
export interface ResponseLogprobStyle {
  /** Alternatives a position. */
  readonly top: number;
  readonly tokensAsIds: boolean;
  readonly float: (value: number) => string;
}

const LOWEST = -9999;

/** Positions with bytes, as items show them; JSON without brackets. */
export function itemLogprobs(positions: readonly PositionLogprobs[], style: ResponseLogprobStyle): string {
  return entries(positions, style, (entry, name) => {
    return `{"token":${quoteJson(name)},"bytes":${bytesText(name)},"logprob":${logprob(entry, style)}`;
  });
}

/** Positions without bytes, as deltas show them; JSON without brackets. */
export function deltaLogprobs(positions: readonly PositionLogprobs[], style: ResponseLogprobStyle): string {
  return entries(
    positions,
    style,
    (entry, name) => `{"token":${quoteJson(name)},"logprob":${logprob(entry, style)}`,
  );
}

function entries(
  positions: readonly PositionLogprobs[],
  style: ResponseLogprobStyle,
  open: (entry: TokenLogprob, name: string) => string,
): string {
  const head = (entry: TokenLogprob): string =>
    open(entry, style.tokensAsIds ? `token_id:${entry.tokenId}` : entry.token);
  return positions
    .map((position) => {
      const top = entriesOf(position)
        .slice(0, style.top)
        .map((entry) => `${head(entry)}}`);
      return `${head(position)},"top_logprobs":[${top.join(",")}]}`;
    })
    .join(",");
}

function logprob(entry: TokenLogprob, style: ResponseLogprobStyle): string {
  return style.float(Math.max(entry.logprob, LOWEST));
}
