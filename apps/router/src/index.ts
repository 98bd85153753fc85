export { createRouter, type Router, type RouterEnvironment } from "./create-router.ts";
export { ROUTER_ERROR_CODES, RouterError, type RouterErrorCode } from "./router-error.ts";
