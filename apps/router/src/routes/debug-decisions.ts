import { createHash, timingSafeEqual } from "node:crypto";
import { ApiError } from "@vllm-router/api";
import type { ExplainedDecision } from "../decisions/explained-decision.ts";
import { sendApiError } from "../server/send-api-error.ts";
import type { RequestScope } from "../server/request-scope.ts";
import type { Route } from "../server/route-table.ts";

/** Where explained decisions are read: a journal, or the one of another thread. */
export interface DecisionBook {
  readonly isEnabled: boolean;
  /** A decision that is still kept. */
  get(id: string): ExplainedDecision | undefined | Promise<ExplainedDecision | undefined>;
  /** The latest decisions, newest first. */
  latest(count: number): readonly ExplainedDecision[] | Promise<readonly ExplainedDecision[]>;
}

/** What the routes of explained decisions work with. */
export interface DebugServices {
  readonly journal: DecisionBook;
  /** Opens the routes to other machines; undefined where only this machine may ask. */
  readonly adminApiKey: string | undefined;
}

const DEFAULT_LISTED = 100;
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;
/** A proxy on this machine speaks for others. */
const FORWARDED_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/** The routes, where `--enable-explain` opens them. */
export function debugRoutes(services: DebugServices): readonly Route[] {
  return services.journal.isEnabled
    ? [
        { path: "/debug/decisions", methods: { GET: (scope) => serveDecisions(scope, services) } },
        { path: "/debug/decisions/:id", methods: { GET: (scope) => serveDecision(scope, services) } },
      ]
    : [];
}

/** `GET /debug/decisions?limit=N`: the latest explained or logged decisions, newest first, in short. */
async function serveDecisions(scope: RequestScope, services: DebugServices): Promise<void> {
  if (!mayLook(scope, services)) {
    return;
  }
  const query = new URLSearchParams((scope.exchange.incoming.url ?? "").split("?", 2)[1]);
  const limit = Number(query.get("limit") ?? DEFAULT_LISTED);
  const latest = await services.journal.latest(Number.isInteger(limit) && limit > 0 ? limit : DEFAULT_LISTED);
  const decisions = latest.map(({ id, decidedAtMs, lane, summary, record }) => ({
    id,
    decidedAt: new Date(decidedAtMs).toISOString(),
    lane,
    requestId: record.requestId,
    model: record.model,
    ...summary,
  }));
  scope.exchange.sendJson(200, JSON.stringify({ decisions }));
}

/** `GET /debug/decisions/{id}`: everything one decision was made from. */
async function serveDecision(scope: RequestScope, services: DebugServices): Promise<void> {
  if (!mayLook(scope, services)) {
    return;
  }
  const path = (scope.exchange.incoming.url ?? "").split("?", 1)[0] ?? "";
  const decision = await services.journal.get(path.slice(path.lastIndexOf("/") + 1));
  if (decision === undefined) {
    scope.exchange.sendJson(404, JSON.stringify({ error: "This decision is not, or no longer, kept." }));
    return;
  }
  scope.exchange.sendJson(200, JSON.stringify(decision));
}

/** Answers who may not look with 403. */
function mayLook(scope: RequestScope, { adminApiKey }: DebugServices): boolean {
  const { exchange } = scope;
  if (hasKey(exchange.header("authorization"), adminApiKey) || isFromHere(scope)) {
    return true;
  }
  scope.errorCode = "forbidden";
  sendApiError(
    exchange,
    new ApiError({
      status: 403,
      type: "Forbidden",
      message: "Decisions are shown to this machine and to holders of the admin key.",
      param: null,
    }),
  );
  return false;
}

function hasKey(authorization: string | undefined, key: string | undefined): boolean {
  if (authorization === undefined || key === undefined) {
    return false;
  }
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(authorization), digest(`Bearer ${key}`));
}

function isFromHere({ exchange }: RequestScope): boolean {
  const { remoteAddress } = exchange.incoming.socket;
  return (
    LOOPBACK.test(remoteAddress ?? "") &&
    FORWARDED_HEADERS.every((name) => exchange.header(name) === undefined)
  );
}
