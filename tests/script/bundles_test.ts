/** What bundlers make of a script, as they wrap it for CommonJS: its blocking calls suspend as in the source. */

import { assertEquals } from "@std/assert";
import { host, instantiate, load, run } from "./harness.ts";

const ESBUILD = `
var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => { for (var name in all) __defProp(target, name, { get: all[name], enumerable: true }); };
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target, mod));
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);
var stdin_exports = {};
__export(stdin_exports, { default: () => stdin_default, options: () => options });
module.exports = __toCommonJS(stdin_exports);
var import_http = __toESM(require("k6/http"));
var import_k6 = require("k6");
var options = { vus: 1 };
function stdin_default() {
  const res = import_http.default.get(5);
  (0, import_k6.sleep)(0.01);
  return res;
}
0 && (module.exports = { options });
`;

const WEBPACK =
  `(()=>{"use strict";var e={n:t=>{var r=t&&t.__esModule?()=>t.default:()=>t;return e.d(r,{a:r}),r},d:(t,r)=>{for(var n in r)e.o(r,n)&&!e.o(t,n)&&Object.defineProperty(t,n,{enumerable:!0,get:r[n]})},o:(e,t)=>Object.prototype.hasOwnProperty.call(e,t),r:e=>{"undefined"!=typeof Symbol&&Symbol.toStringTag&&Object.defineProperty(e,Symbol.toStringTag,{value:"Module"}),Object.defineProperty(e,"__esModule",{value:!0})}},t={};e.r(t),e.d(t,{default:()=>s,options:()=>i});const r=require("k6/http");var n=e.n(r);const o=require("k6"),i={vus:1};function s(){const e=n().get(5);return(0,o.sleep)(.01),e}var a=exports;for(var u in t)a[u]=t[u];t.__esModule&&Object.defineProperty(a,"__esModule",{value:!0})})();`;

const TYPESCRIPT = `
"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) { return (mod && mod.__esModule) ? mod : { "default": mod }; };
Object.defineProperty(exports, "__esModule", { value: true });
exports.options = void 0;
exports.default = default_1;
const http_1 = __importDefault(require("k6/http"));
const k6_1 = require("k6");
exports.options = { vus: 1 };
function default_1() {
    const res = http_1.default.get(5);
    (0, k6_1.sleep)(0.01);
    return res;
}
`;

const UMD = `(function (global, factory) {
  typeof exports === 'object' && typeof module !== 'undefined' ? module.exports = factory(require('k6/http'), require('k6')) :
  typeof define === 'function' && define.amd ? define(['k6/http', 'k6'], factory) : (global = global || self, global.lib = factory(global.http, global.k6));
}(this, function (http, k6) { 'use strict'; return { options: { vus: 1 }, default: function () { var res = http.get(5); k6.sleep(0.01); return res; } }; }));`;

for (const [name, text] of Object.entries({ esbuild: ESBUILD, webpack: WEBPACK, typescript: TYPESCRIPT, umd: UMD })) {
  Deno.test(`a script bundled by ${name} suspends where its source does`, async () => {
    const exports = instantiate(await load({ "s.js": text }), host([]));
    let suspensions = 0;
    assertEquals(run(exports, () => suspensions++), 5);
    assertEquals([suspensions, exports.options], [2, { vus: 1 }]);
  });
}
