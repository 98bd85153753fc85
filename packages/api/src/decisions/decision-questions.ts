import { badRequestError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonRepr, pythonStr, pythonStringRepr } from "../json/python-text.ts";
import type { DecisionRequest } from "./decision-request.ts";

/** Kinds of questions. */
type QuestionKind = "choice" | "noul" | "score";

/** Labels a model answers with, by kind of question, in the order of the options. */
export const DECISION_LABELS: Readonly<Record<QuestionKind, readonly string[]>> = {
  choice: "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split(""),
  noul: ["yes", "no"],
  score: "0123456789".split(""),
};

const REPLY_INSTRUCTIONS: Readonly<Record<QuestionKind, string>> = {
  choice: "Answer with the letter of one option only.",
  noul: "Answer with yes or no only.",
  score: "Answer with the number of one level only.",
};

const MOST_QUESTIONS = 64;
const MOST_OPTIONS = 26;

interface Option {
  readonly name: string;
  readonly description: string | undefined;
}

/** A question with its options. */
export interface DecisionQuestion {
  readonly id: string;
  readonly kind: QuestionKind;
  readonly instructions: string;
  readonly options: readonly Option[];
  /** One label an option. */
  readonly labels: readonly string[];
}

/**
 * The questions of a request.
 *
 * @throws {@link ApiError} 400 with vLLM's text.
 */
export function buildQuestions(request: DecisionRequest): readonly DecisionQuestion[] {
  const { questions } = request;
  if (questions.size === 0) throw badRequestError("questions: needs at least one question");
  if (questions.size > MOST_QUESTIONS) {
    throw badRequestError(`questions: at most ${MOST_QUESTIONS} for this model`);
  }
  return [...questions].map(([id, spec]) => buildQuestion(id, spec));
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set(["type", "instructions", "criteria"]);

function buildQuestion(id: string, spec: JsonObject): DecisionQuestion {
  const unknown = [...spec.keys()].filter((name) => !KNOWN_FIELDS.has(name)).toSorted();
  if (unknown.length > 0) throw questionError(id, `unknown field(s) ${pythonRepr(unknown)}`);
  if (id === "") throw badRequestError("question ids must be non-empty");
  const kind = spec.get("type") as string;
  if (!isKind(kind)) {
    throw badRequestError(
      `unknown question type ${pythonStringRepr(kind)}; supported: ${pythonRepr(Object.keys(DECISION_LABELS).toSorted())}`,
    );
  }
  const options = OPTIONS[kind](id, spec.get("criteria") ?? null);
  const names = new Set(options.map(({ name }) => name));
  if (names.size !== options.length) throw questionError(id, "duplicate option names");
  const labels = DECISION_LABELS[kind];
  const limit = Math.min(MOST_OPTIONS, labels.length);
  if (options.length > limit) throw questionError(id, `at most ${limit} options for this model`);
  const instructions = spec.get("instructions") ?? null;
  return {
    id,
    kind,
    instructions: instructions === null ? "" : pythonStr(instructions),
    options,
    labels: labels.slice(0, options.length),
  };
}

function isKind(name: string): name is QuestionKind {
  return Object.hasOwn(DECISION_LABELS, name);
}

const OPTIONS: Readonly<Record<QuestionKind, (id: string, criteria: JsonValue) => readonly Option[]>> = {
  choice(id, criteria) {
    if (!(criteria instanceof Map) || criteria.size === 0) {
      throw questionError(id, "choice criteria must map option names to a description or null");
    }
    return [...(criteria as JsonObject)].map(([name, description]) => ({
      name,
      description: textOf(description),
    }));
  },
  noul(id, criteria) {
    const sides = criteria === null ? new Map<string, JsonValue>() : criteria;
    if (!(sides instanceof Map) || [...sides.keys()].some((key) => key !== "true" && key !== "false")) {
      throw questionError(id, "noul criteria must be an object with true and false");
    }
    return [
      { name: "yes", description: textOf((sides as JsonObject).get("true") ?? null) },
      { name: "no", description: textOf((sides as JsonObject).get("false") ?? null) },
    ];
  },
  score(id, criteria) {
    if (!isJsonArray(criteria) || criteria.length < 2) {
      throw questionError(id, "score criteria must be an ordered list of levels");
    }
    return criteria.map((level) => ({ name: pythonStr(level), description: undefined }));
  },
};

function textOf(value: JsonValue): string | undefined {
  return value === null ? undefined : pythonStr(value);
}

function questionError(id: string, message: string): Error {
  return badRequestError(`question ${pythonStringRepr(id)}: ${message}`);
}

/** The question as the model reads it, after the state. */
export function questionPrompt({ kind, instructions, options, labels }: DecisionQuestion): string {
  const lines = isTruthy(instructions) ? [`Question: ${instructions}`] : [];
  options.forEach((option, index) => lines.push(optionLine(kind, labels[index] ?? "", option)));
  lines.push(REPLY_INSTRUCTIONS[kind]);
  return lines.join("\n");
}

/** Yes and no speak for themselves; other options are named. */
function optionLine(kind: QuestionKind, label: string, { name, description }: Option): string {
  const hasDescription = description !== undefined && description !== "";
  if (kind === "noul") return hasDescription ? `${label}: ${description}` : label;
  return hasDescription ? `${label}: ${name} - ${description}` : `${label}: ${name}`;
}
