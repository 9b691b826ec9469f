/* SPDX-License-Identifier: Apache-2.0
 * Eight threads answer the same request at once; exactly one may win. */
#define OWN_ON_REQUEST
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bad_plugin.h"

enum { kThreads = 8 };
struct job {
  lcg_instance* self;
  lcg_token token;
  atomic_int* won;
};

static void* run(void* user) {
  struct job* job = user;
  if (answer(job->self, job->token, LCG_OK) == LCG_OK) atomic_fetch_add(job->won, 1);
  return NULL;
}

static void on_request(lcg_instance* self, const lcg_request* r) {
  atomic_int won = 0;
  struct job job = {self, r->token, &won};
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, run, &job);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  char text[64];
  const int size = snprintf(text, sizeof text, "%d of 8 replies were taken", atomic_load(&won));
  self->host->log(self->host->ctx, 2, (lcg_str){text, (size_t)size});
}
