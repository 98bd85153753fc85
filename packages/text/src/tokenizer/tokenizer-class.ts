import { flagMember, isJsonObject, type JsonObject } from "./json-object.ts";
import type { TokenizerConfig } from "./tokenizer-config.ts";

// transformers 5, which vLLM loads tokenizers with, takes only the vocabulary, the merges and the post-processor from
// tokenizer.json when `tokenizer_class` names a class with a constructor of its own; normalizer, pre-tokenizer and decoder
// are then the class's. Where that changes ids this file does the same (read from and recorded with transformers 5.19).

/** Values of `model_type` for which transformers 5.19 reads tokenizer.json as it is, whatever `tokenizer_class` says. */
const modelTypesReadPlainly: ReadonlySet<string> = new Set([
  "EvollaModel",
  "arctic",
  "aria",
  "bigbird_pegasus",
  "camembertv2-base",
  "canary",
  "chameleon",
  "chatlm",
  "cohere_asr",
  "deepseek_ocr",
  "deepseek_ocr2",
  "deepseek_v2",
  "deepseek_v3",
  "deepseek_v32",
  "deepseek_v4",
  "deepseek_vl",
  "deepseek_vl_hybrid",
  "deepseek_vl_v2",
  "ernie4_5",
  "ernie4_5_moe",
  "flex_olmo",
  "fuyu",
  "glm",
  "glm4",
  "glm4_moe",
  "glm4_moe_lite",
  "glm4v",
  "glm4v_moe",
  "glm_image",
  "glmasr",
  "got_ocr2",
  "gpt_bigcode",
  "granite",
  "granitemoe",
  "granitemoehybrid",
  "granitemoeshared",
  "h2ovl_chat",
  "hyperclovax",
  "hyperclovax_vlm",
  "internlm2",
  "jamba",
  "janus",
  "kimi_k25",
  "kimi_linear",
  "kosmos-2",
  "llava",
  "llava_next",
  "mimo_v2_flash",
  "minicpm3",
  "minicpmv",
  "minicpmv4_6",
  "minicpmv4_7",
  "minimax_m2",
  "ministral",
  "ministral3",
  "mistral",
  "mistral3",
  "mixtral",
  "modernbert",
  "modernbert-decoder",
  "molmo",
  "molmo2",
  "nemotron",
  "nvfp4",
  "nystromformer",
  "olmo2",
  "olmo3",
  "olmo_hybrid",
  "opencua",
  "openvla",
  "paddleocr_vl",
  "pegasus_x",
  "persimmon",
  "phi3",
  "phi3_v",
  "phimoe",
  "pix2struct",
  "pixtral",
  "smolvlm",
  "stablelm",
  "step3_vl",
  "step3p5",
  "umt5",
  "vipllava",
  "voxtral",
  "voxtral_realtime",
  "xlm-roberta-xl",
]);

/** `tokenizer.json` with the parts that its class replaces. */
export function applyTokenizerClass(json: JsonObject, config: TokenizerConfig): JsonObject {
  const { modelType, tokenizerClass } = config;
  if (modelType !== undefined && modelTypesReadPlainly.has(modelType)) return json;
  const model = json["model"];
  if (!isJsonObject(model)) return json;
  if (tokenizerClass === "GPT2Tokenizer") return asGpt2(json, model, config);
  // For a byte-level vocabulary the class is a mistake of the files, and following it would ruin every text.
  if (tokenizerClass === "LlamaTokenizer" && flagMember(model, "byte_fallback"))
    return asLlama(json, model, config);
  return json;
}

function asGpt2(json: JsonObject, model: JsonObject, config: TokenizerConfig): JsonObject {
  const byteLevel = { type: "ByteLevel", add_prefix_space: config.addsPrefixSpace === true, use_regex: true };
  return {
    ...json,
    model: { ...model, unk_token: null, fuse_unk: false, byte_fallback: false, ignore_merges: false },
    normalizer: null,
    pre_tokenizer: byteLevel,
    decoder: byteLevel,
  };
}

function asLlama(json: JsonObject, model: JsonObject, config: TokenizerConfig): JsonObject {
  const addsPrefixSpace = config.addsPrefixSpace ?? true;
  const scheme = !addsPrefixSpace ? "never" : config.isLegacy ? "always" : "first";
  const strip = addsPrefixSpace ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [];
  return {
    ...json,
    model: { ...model, unk_token: null, fuse_unk: true, byte_fallback: true, ignore_merges: false },
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: scheme, split: false },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...strip,
      ],
    },
  };
}
