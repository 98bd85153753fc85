import type { JsonObject } from "../json/json-value.ts";
import { pythonStr, pythonStringRepr } from "../json/python-text.ts";
import { issue, issueWithContext } from "./issue.ts";
import { isIssues, type Validator } from "./validator.ts";

/** The member that the object's own `type` names; findings of a member come under its name. */
export function taggedUnion(members: Readonly<Record<string, Validator<JsonObject>>>): Validator<JsonObject> {
  const tags = Object.keys(members);
  const expected = tags.map(pythonStringRepr).join(", ");
  return {
    label: `tagged-union[${tags.map((tag) => members[tag]?.label).join(",")}]`,
    validate(input, state) {
      if (!(input instanceof Map)) {
        const message = "Input should be a valid dictionary or object to extract fields from";
        return issue("model_attributes_type", message, input);
      }
      const tag = (input as JsonObject).get("type");
      if (tag === undefined) {
        return issueWithContext({
          type: "union_tag_not_found",
          message: "Unable to extract tag using discriminator 'type'",
          input,
          context: [["discriminator", "'type'"]],
        });
      }
      const member = typeof tag === "string" && Object.hasOwn(members, tag) ? members[tag] : undefined;
      if (member === undefined) {
        const name = pythonStr(tag);
        return issueWithContext({
          type: "union_tag_invalid",
          message: `Input tag '${name}' found using 'type' does not match any of the expected tags: ${expected}`,
          input,
          context: [
            ["discriminator", "'type'"],
            ["tag", name],
            ["expected_tags", expected],
          ],
        });
      }
      const value = member.validate(input, state);
      return isIssues(value) ? value.under(tag as string) : value;
    },
  };
}
