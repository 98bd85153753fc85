import type { FlagOccurrence } from "@vllm-router/config";

/** The programs an engine can be. */
export const engineNames = ["vllm", "vllm-rs", "simulator"] as const;
/** One of them. */
export type EngineName = (typeof engineNames)[number];

/** What every started engine is told. */
export interface EnginePlan {
  /** The program asked for; auto takes what is installed. */
  readonly engine: EngineName | "auto";
  /** As given; undefined means the engine's own default. */
  readonly model: string | undefined;
  /** vLLM flags for the engine. */
  readonly flags: readonly FlagOccurrence[];
  /** Arguments of `--simulator-*`, as the simulator takes them. */
  readonly simulatorArguments: readonly string[];
}

/** Engines and router on this machine. */
export interface LocalPlan extends EnginePlan {
  readonly kind: "local";
  readonly isDemo: boolean;
  readonly engineCount: number;
  /** Undefined: the next free one from 50051. */
  readonly enginePort: number | undefined;
  readonly host: string;
  readonly port: number;
  /** vLLM's front-end flags, which the router owns. */
  readonly frontendFlags: readonly FlagOccurrence[];
  /** Arguments of `--router-*`, as the router takes them. */
  readonly routerArguments: readonly string[];
}

/** One engine that listens for routers of other machines. */
export interface HeadlessPlan extends EnginePlan {
  readonly kind: "headless";
  readonly host: string;
  readonly port: number;
}

/** What a command line asks for. */
export type Plan =
  | LocalPlan
  | HeadlessPlan
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  /** `vllm serve` with the same arguments. */
  | { readonly kind: "unchanged"; readonly argv: readonly string[] };
