/* tests/tools/sandbox_fault: one fault of the script, played on one request. For sandbox_script
 * only; sandbox_script.h says what a line may hold. */
#ifndef TGRUN_TESTS_TOOLS_SANDBOX_FAULT_H
#define TGRUN_TESTS_TOOLS_SANDBOX_FAULT_H

#include "tests/tools/sandbox_raw.h"

/* The number `name` of a line, `otherwise` if it gives none. */
int64_t sandbox_fault_number(const cJSON *line, const char *name, int64_t otherwise);

/* Does to a whole request what the line says; all actions but FAULT_REFUSE, FAULT_HANG_UP and
 * FAULT_BREAK. false: the sandbox answers it, and the fault shows in its answer at most. */
bool sandbox_fault_apply(struct sandbox_request *r, enum raw_action action, const cJSON *line);

#endif
