/* SPDX-License-Identifier: Apache-2.0
 * A plugin of the first release, compiled with the header of the first release. Uses every host function, so
 * that a host that changed one of them fails here. rpc: name of the function to use; data: its argument. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "v1_0/lcg_plugin.h"

struct lcg_instance {
  const lcg_host* host;
  char greeting[64];
  unsigned slots, gone, cancelled;
};
struct work {
  lcg_instance* self;
  lcg_token token;
  char text[64];
};

static int is(lcg_str s, const char* text) {
  return s.size == strlen(text) && memcmp(s.data, text, s.size) == 0;
}
static lcg_str str(const char* text) { return (lcg_str){text, strlen(text)}; }
static lcg_bytes bytes(const char* text) { return (lcg_bytes){(const uint8_t*)text, strlen(text)}; }

static void answer(lcg_instance* self, lcg_token token, lcg_status status, const char* text) {
  lcg_result result = {.struct_size = sizeof result, .status = status, .data = bytes(text)};
  self->host->reply(self->host->ctx, token, &result);
}

static lcg_status create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
  if (!LCG_HAS(host, query)) {
    snprintf(err, err_size, "the host lacks functions of ABI 1.0");
    return LCG_E_UNSUPPORTED;
  }
  lcg_instance* self = calloc(1, sizeof *self);
  if (self == NULL) return LCG_E_INTERNAL;
  self->host = host;
  lcg_str greeting = str("hello");
  host->config(host->ctx, str("greeting"), &greeting);
  snprintf(self->greeting, sizeof self->greeting, "%.*s", (int)greeting.size, greeting.data);
  *out = self;
  return LCG_OK;
}
static void start(lcg_instance* self, lcg_token ready) { answer(self, ready, LCG_OK, ""); }
static void stop(lcg_instance* self, lcg_token done) { answer(self, done, LCG_OK, ""); }
static void destroy(lcg_instance* self) { free(self); }

static struct work* keep(lcg_instance* self, lcg_token token, const char* text) {
  struct work* work = malloc(sizeof *work);
  if (work == NULL) abort();
  work->self = self;
  work->token = token;
  snprintf(work->text, sizeof work->text, "%s", text);
  return work;
}
static void on_done(void* user, const lcg_result* result) {
  struct work* work = user;
  lcg_result copy = {.struct_size = sizeof copy, .status = result->status, .data = result->data};
  work->self->host->reply(work->self->host->ctx, work->token, &copy);
  free(work);
}
static void finish(void* user) {
  struct work* work = user;
  answer(work->self, work->token, LCG_OK, work->text);
  free(work);
}
static void in_pool(void* user) { strcat(((struct work*)user)->text, " from the pool"); }

static void refused(struct work* work, lcg_status status) {
  answer(work->self, work->token, status, "refused");
  free(work);
}

static void on_rpc(lcg_instance* self, const lcg_request* r) {
  const lcg_host* h = self->host;
  char text[128];
  if (is(r->name, "echo")) {
    lcg_result result = {.struct_size = sizeof result, .data = r->data};
    h->reply(h->ctx, r->token, &result);
  } else if (is(r->name, "greeting")) {
    answer(self, r->token, LCG_OK, self->greeting);
  } else if (is(r->name, "peer")) {
    snprintf(text, sizeof text, "%.*s/%.*s", (int)r->peer->user_id.size, r->peer->user_id.data,
             (int)r->peer->device_id.size, r->peer->device_id.data);
    answer(self, r->token, LCG_OK, text);
  } else if (is(r->name, "log")) {
    h->log(h->ctx, 2, str("logged by v1_0"));
    answer(self, r->token, LCG_OK, "");
  } else if (is(r->name, "clock")) {
    answer(self, r->token, h->now_ns(h->ctx) > 0 && h->wall_ms(h->ctx) > 0 ? LCG_OK : LCG_E_INTERNAL, "");
  } else if (is(r->name, "random")) {
    uint64_t a = 0, b = 0;
    h->random(h->ctx, &a, sizeof a);
    h->random(h->ctx, &b, sizeof b);
    answer(self, r->token, a != b ? LCG_OK : LCG_E_INTERNAL, "");
  } else if (is(r->name, "slot")) {
    answer(self, r->token, h->slot_of(h->ctx, str("@3")) == 3 && h->slot_count > 3 ? LCG_OK : LCG_E_INTERNAL,
           "");
  } else if (is(r->name, "counters")) {
    snprintf(text, sizeof text, "slots %u gone %u cancelled %u", self->slots, self->gone, self->cancelled);
    answer(self, r->token, LCG_OK, text);
  } else if (is(r->name, "publish")) {
    lcg_publication p = {.struct_size = sizeof p, .channel = str("v1"), .data = bytes("1")};
    struct work* work = keep(self, r->token, "");
    const lcg_status status = h->publish(h->ctx, &p, on_done, work);
    if (status != LCG_OK) refused(work, status);
  } else if (is(r->name, "call")) {
    lcg_call c = {
        .struct_size = sizeof c, .service = str("v1"), .method = str("m"), .key = str("@2"), .data = r->data};
    struct work* work = keep(self, r->token, "");
    const lcg_status status = h->call(h->ctx, &c, on_done, work);
    if (status != LCG_OK) refused(work, status);
  } else if (is(r->name, "disconnect")) {
    lcg_disconnect d = {
        .struct_size = sizeof d, .code = 4000, .reason = str("v1"), .user_id = str("somebody")};
    answer(self, r->token, h->disconnect(h->ctx, &d), "");
  } else if (is(r->name, "timer")) {
    lcg_timer unwanted = 0, timer = 0;
    h->timer_start(h->ctx, 5, finish, NULL, &unwanted);
    if (h->timer_cancel(h->ctx, unwanted) != LCG_OK) abort();
    struct work* work = keep(self, r->token, "timer");
    const lcg_status status = h->timer_start(h->ctx, 10, finish, work, &timer);
    if (status != LCG_OK) refused(work, status);
  } else if (is(r->name, "post")) {
    struct work* work = keep(self, r->token, "posted");
    const lcg_status status = h->post(h->ctx, finish, work);
    if (status != LCG_OK) refused(work, status);
  } else if (is(r->name, "offload")) {
    struct work* work = keep(self, r->token, "back");
    const lcg_status status = h->offload(h->ctx, in_pool, finish, work);
    if (status != LCG_OK) refused(work, status);
  } else if (is(r->name, "query")) {
    answer(self, r->token, h->query(h->ctx, str("no such interface/1")) == NULL ? LCG_OK : LCG_E_INTERNAL,
           "");
  } else if (!is(r->name, "silence")) {
    answer(self, r->token, LCG_DEFER, "");
  }
}

static void on_request(lcg_instance* self, const lcg_request* r) {
  if (r->kind == LCG_REQ_RPC) {
    on_rpc(self, r);
    return;
  }
  lcg_result result = {.struct_size = sizeof result, .user_id = r->credential};
  if (r->credential.size == 0) result.status = LCG_E_DENIED;
  self->host->reply(self->host->ctx, r->token, &result);
}
static void on_cancel(lcg_instance* self, lcg_token token) {
  ++self->cancelled;
  answer(self, token, LCG_E_CANCELLED, "");
}
static void on_call(lcg_instance* self, lcg_token token, const lcg_call* call) {
  char text[128];
  snprintf(text, sizeof text, "%.*s(%.*s) slot %u", (int)call->method.size, call->method.data,
           (int)call->data.size, (const char*)call->data.data, (unsigned)call->slot);
  answer(self, token, LCG_OK, text);
}
static void on_slot(lcg_instance* self, uint32_t slot, uint64_t term, uint32_t owned) {
  (void)slot, (void)term;
  self->slots += owned ? 1u : -1u;
}
static void on_disconnect(lcg_instance* self, const lcg_peer* peer, uint32_t code) {
  (void)peer, (void)code;
  ++self->gone;
}
static const void* query(lcg_instance* self, lcg_str name) {
  (void)self;
  return is(name, "v1/1") ? "present" : NULL;
}

static const lcg_plugin_ops ops = {.struct_size = sizeof ops,
                                   .request_mask = 1u << LCG_REQ_CONNECT | 1u << LCG_REQ_RPC,
                                   .create = create,
                                   .start = start,
                                   .stop = stop,
                                   .destroy = destroy,
                                   .on_request = on_request,
                                   .on_cancel = on_cancel,
                                   .on_call = on_call,
                                   .on_slot = on_slot,
                                   .on_disconnect = on_disconnect,
                                   .query = query};

const lcg_descriptor* lcg_plugin_descriptor(void) {
  static const lcg_descriptor descriptor = {.magic = LCG_ABI_MAGIC,
                                            .struct_size = sizeof descriptor,
                                            .abi_major = LCG_ABI_MAJOR,
                                            .abi_minor = LCG_ABI_MINOR,
                                            .name = "plugin_v1_0",
                                            .version = "1.0.0",
                                            .license = "Apache-2.0",
                                            .provides = "v1",
                                            .ops = &ops};
  return &descriptor;
}
