// Runs a function of Node.js: the client of the Lambda Runtime API, and what AWS's runtime gives a handler.
//
//   node node_client.mjs HANDLER        (in the function's folder, with AWS_LAMBDA_RUNTIME_API set)
//
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html. AWS's own client, aws-lambda-ric, has to be
// compiled with a C++ compiler and CMake; this needs node only. Answers are not streamed.

import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let requestId = "";
let onNothingLeft = () => {}; // what the end of all work means for the invocation that runs
process.on("beforeExit", () => onNothingLeft());

function call(method, name, headers = {}, body = "") {
  const content = Buffer.from(body);
  headers = { "Content-Type": "application/json", "Content-Length": content.length, ...headers };
  return new Promise((resolve, reject) => {
    const options = { agent, host, port, method, headers, path: `/2018-06-01/runtime/${name}` };
    const request = http.request(options, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(pieces).toString() }));
    });
    request.on("error", reject);
    request.end(content);
  });
}

const LEVELS = { log: "INFO", info: "INFO", warn: "WARN", error: "ERROR", debug: "DEBUG", trace: "TRACE" };
for (const [name, level] of Object.entries(LEVELS)) {
  console[name] = (...parts) => {
    const text = format(...parts).replaceAll("\n", "\r"); // one call is one event of the log
    fs.writeSync(1, `${new Date().toISOString()}\t${requestId || "undefined"}\t${level}\t${text}\n`);
  };
}

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

function describe(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack || "").split("\n") };
}

async function report(where, what, said) {
  const { errorType, errorMessage, trace: stack } = said;
  console.error(`${what} \t${JSON.stringify({ errorType, errorMessage, stack })}`);
  await call("POST", where, { "Lambda-Runtime-Function-Error-Type": errorType }, JSON.stringify(said));
}

// HANDLER is [folder/]file.export[.export...]; the file a module if it is .mjs, or .js with "type": "module".
async function load(handler) {
  const { dir, base } = path.parse(handler);
  const [file, ...names] = base.split(".");
  if (handler.includes("..") || !names.length) {
    throw new RuntimeError("Runtime.MalformedHandlerName", `'${handler}' is not a valid handler name.`);
  }
  const stem = path.resolve(dir, file);
  const found = ["", ".js", ".mjs", ".cjs"].map((end) => stem + end).find(isFile);
  if (!found) throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
  const loaded = await loadFile(found);
  const exported = (from) => names.reduce((object, name) => object?.[name], from);
  const target = exported(loaded) ?? exported(loaded.default);
  if (typeof target !== "function") {
    const what = target === undefined ? "undefined or not exported" : "not a function";
    throw new RuntimeError("Runtime.HandlerNotFound", `${handler} is ${what}`);
  }
  return target;
}

async function loadFile(file) {
  try {
    return isModule(file) ? await import(pathToFileURL(file)) : createRequire(file)(file);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new RuntimeError("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`);
    }
    if (["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) {
      throw new RuntimeError("Runtime.ImportModuleError", `Error: ${error.message}`);
    }
    throw error;
  }
}

function isFile(name) {
  return fs.statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isModule(file) {
  if (!file.endsWith(".js")) return file.endsWith(".mjs");
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const description = path.join(folder, "package.json");
    if (isFile(description)) return JSON.parse(fs.readFileSync(description, "utf8")).type === "module";
    if (folder === path.dirname(folder)) return false;
  }
}

function contextOf(headers, settle) {
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed("lambda-runtime-client-context"),
    identity: parsed("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => Number(headers["lambda-runtime-deadline-ms"]) - Date.now(),
    done: settle,
    succeed: (result) => settle(null, result),
    fail: (error) => settle(error ?? "handled"),
  };
}

// What a promise resolves to, or a callback gets; what a handler that gives none returns does not count.
function run(handler, headers, body) {
  return new Promise((resolve, reject) => {
    const end = (error, result) => (error ? reject(error) : resolve(result));
    const settle = (error, result) => {
      if (context.callbackWaitsForEmptyEventLoop) onNothingLeft = () => end(error, result);
      else end(error, result);
    };
    const context = contextOf(headers, settle);
    onNothingLeft = () => resolve(null);
    const returned = handler(JSON.parse(body), context, settle);
    if (typeof returned?.then === "function") returned.then(resolve, reject);
  });
}

function asJson(result) {
  try {
    return JSON.stringify(result) ?? "null";
  } catch {
    throw new RuntimeError("Runtime.MarshalError", "Unable to stringify response body");
  }
}

async function serve(handler) {
  for (;;) {
    requestId = "";
    const { headers, body } = await call("GET", "invocation/next");
    requestId = headers["lambda-runtime-aws-request-id"];
    process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
    try {
      await call("POST", `invocation/${requestId}/response`, {}, asJson(await run(handler, headers, body)));
    } catch (error) {
      await report(`invocation/${requestId}/error`, "Invoke Error", describe(error));
    }
    onNothingLeft = () => {};
  }
}

const where = () => (requestId ? `invocation/${requestId}/error` : "init/error");
process.on("uncaughtException", async (error) => {
  await report(where(), "Uncaught Exception", describe(error));
  process.exit(129);
});
process.on("unhandledRejection", async (reason) => {
  const said = { ...describe(reason), errorType: "Runtime.UnhandledPromiseRejection" };
  await report(where(), "Unhandled Promise Rejection", said);
  process.exit(128);
});

let handler;
try {
  handler = await load(process.argv[2]);
} catch (error) {
  await report("init/error", "Uncaught Exception", describe(error));
  process.exit(1);
}
await serve(handler);
