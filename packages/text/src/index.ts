export { createDetokenizer, type Detokenizer, type DetokenizerOptions } from "./detokenize/detokenizer.ts";
export { type DecodeStream, type DecodeStreamOptions } from "./detokenize/decode-stream.ts";
export { type ExpectedFinish, type FinishRuleOptions } from "./sequence/finish-rule.ts";
export { createLogprobTexts, type LogprobTexts } from "./sequence/logprob-texts.ts";
export {
  createSequenceText,
  type SequenceText,
  type SequenceTextOptions,
  type TextDelta,
} from "./sequence/sequence-text.ts";
export { TextError, type TextErrorCode, type TextErrorOptions } from "./text-error.ts";
export { createTokenizer } from "./tokenizer/create-tokenizer.ts";
export { type DecodeOptions, type Tokenizer, type TokenizerFiles } from "./tokenizer/tokenizer.ts";
