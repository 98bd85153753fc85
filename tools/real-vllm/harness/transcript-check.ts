import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EndpointCounts, Figures } from "./results.ts";

/** Endpoints that get figures of their own: those that read a body. */
const ENDPOINT =
  /^\/(v1\/(chat\/completions(\/(batch|render))?|completions(\/render)?|responses(\/render)?|messages(\/(count_tokens|render))?|embeddings|score|rerank|systemone)|v2\/(embed|rerank)|score|rerank|pooling|classify|tokenize|detokenize|generative_scoring|inference\/v1\/generate|invocations)$/;

/** What became of the recorded cases. */
export interface TranscriptResult {
  /** Key for key as recorded. */
  readonly equal: number;
  /** Only the cut of a stream into chunks differs, which is timing. */
  readonly chunking: number;
  /** Only the wording of an error message differs. */
  readonly wording: readonly string[];
  /** Refused with 501 naming a field that the dialect cannot carry, or a rank of a prompt token that it does not report. */
  readonly listed: readonly string[];
  /** Everything else: must be empty. */
  readonly different: readonly string[];
  /** The same by endpoint. */
  readonly endpoints: Figures;
}

interface Detail {
  readonly id: string;
  readonly verdict: string;
  readonly answer: {
    readonly status: number;
    readonly body?: { readonly error?: { readonly type?: string; readonly param?: string } };
  } | null;
  readonly differences: readonly { readonly at: string; readonly got: unknown; readonly want: unknown }[];
}

/** Sends the recorded cases of some groups, one at a time, and sorts the answers. */
export async function checkTranscripts(options: {
  readonly baseUrl: string;
  readonly model: string;
  /** Group names; `chat-*` stands for all that begin so. */
  readonly groups: readonly string[];
  /** Fields whose refusal is expected. */
  readonly uncarriedFields: ReadonlySet<string>;
  /** Cases that are not sent. */
  readonly except?: readonly string[];
}): Promise<TranscriptResult> {
  const folder = join(import.meta.dirname, "..", "transcripts", options.model);
  const files = readdirSync(folder).filter((file) => options.groups.some((group) => matches(file, group)));
  const differ = join(import.meta.dirname, "..", "differ.py");
  const args = [
    differ,
    "check",
    options.baseUrl,
    ...files.map((file) => join(folder, file)),
    "--json",
    "--max",
    "100000",
    "--only",
    `^(?!(${(options.except ?? []).join("|")})$)`,
  ];
  const { stdout } = await promisify(execFile)("python3", args, { maxBuffer: 64 * 1024 * 1024 }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      if (error.stdout === undefined || error.stdout === "") {
        throw new Error(`the comparison itself failed: ${error.stderr ?? ""}`);
      }
      return { stdout: error.stdout };
    },
  );
  const report = JSON.parse(stdout) as {
    readonly total: Readonly<Record<string, number>>;
    readonly details: readonly Detail[];
  };
  const isListed = (detail: Detail): boolean =>
    isRefusedByName(detail, options.uncarriedFields) || lacksOnlyRanks(detail);
  const listed = report.details.filter(isListed);
  const different = report.details.filter(
    (detail) => !isListed(detail) && !["wording", "chunking"].includes(detail.verdict),
  );
  const endpoints = byEndpoint(
    files.map((file) => join(folder, file)),
    options.except ?? [],
    (id) => {
      const detail = report.details.find((candidate) => candidate.id === id);
      if (detail === undefined) return "equal";
      if (isListed(detail)) return "listed";
      return detail.verdict === "wording" || detail.verdict === "chunking" ? detail.verdict : "different";
    },
  );
  return {
    endpoints,
    equal: report.total["equal"] ?? 0,
    chunking: report.total["chunking"] ?? 0,
    wording: report.details.filter((detail) => detail.verdict === "wording").map(describe),
    listed: listed.map((detail) => `${detail.id} (${detail.answer?.body?.error?.param ?? "rank"})`),
    different: different.map(describe),
  };
}

/** Counts the verdicts of the recorded cases by the path they were sent to. */
function byEndpoint(
  files: readonly string[],
  except: readonly string[],
  verdictOf: (id: string) => keyof EndpointCounts,
): Figures {
  const counts: Record<string, Record<keyof EndpointCounts, number>> = {};
  for (const line of files.flatMap((file) => readFileSync(file, "utf8").split("\n"))) {
    if (line === "") continue;
    const { id, request } = JSON.parse(line) as { id?: string; request?: { path: string } };
    if (id === undefined || request === undefined || except.includes(id)) continue;
    const [path = ""] = request.path.split("?");
    const endpoint = ENDPOINT.test(path) ? path : "other paths";
    counts[endpoint] ??= { equal: 0, chunking: 0, wording: 0, listed: 0, different: 0 };
    counts[endpoint][verdictOf(id)]++;
  }
  return counts;
}

function isRefusedByName(detail: Detail, uncarriedFields: ReadonlySet<string>): boolean {
  const error = detail.answer?.body?.error;
  return (
    detail.answer?.status === 501 &&
    error?.type === "NotImplementedError" &&
    uncarriedFields.has(error.param ?? "")
  );
}

function lacksOnlyRanks(detail: Detail): boolean {
  return (
    detail.differences.length > 0 &&
    detail.differences.every(
      (difference) => /prompt_logprobs.*\.rank$/.test(difference.at) && difference.got === null,
    )
  );
}

function matches(file: string, group: string): boolean {
  const name = file.replace(/\.jsonl$/, "");
  return group.endsWith("*") ? name.startsWith(group.slice(0, -1)) : name === group;
}

function describe(detail: Detail): string {
  const first = detail.differences[0];
  const where =
    first === undefined
      ? ""
      : `: ${first.at} is ${JSON.stringify(first.got)?.slice(0, 200)}, was ${JSON.stringify(first.want)?.slice(0, 200)}`;
  return `${detail.id} ${detail.verdict}${where}`;
}
