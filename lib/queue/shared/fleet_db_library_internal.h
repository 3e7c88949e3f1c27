/* queue/shared/fleet_db_library_internal: libpq, loaded when it is first needed (io/library.h). A
 * call of one of its functions goes to the one that was loaded; a function that is not in this list
 * is not there. */
#ifndef TGRUN_QUEUE_SHARED_FLEET_DB_LIBRARY_INTERNAL_H
#define TGRUN_QUEUE_SHARED_FLEET_DB_LIBRARY_INTERNAL_H

#include <libpq-fe.h>

#include "base/err.h"

#define FLEET_DB_LIBRARY_FUNCTIONS(FN) \
	FN(PQbackendPID)               \
	FN(PQclear)                    \
	FN(PQconnectPoll)              \
	FN(PQconnectStartParams)       \
	FN(PQconndefaults)             \
	FN(PQconninfoFree)             \
	FN(PQconninfoParse)            \
	FN(PQconsumeInput)             \
	FN(PQerrorMessage)             \
	FN(PQfinish)                   \
	FN(PQflush)                    \
	FN(PQfreemem)                  \
	FN(PQgetResult)                \
	FN(PQgetisnull)                \
	FN(PQgetvalue)                 \
	FN(PQisBusy)                   \
	FN(PQnfields)                  \
	FN(PQnotifies)                 \
	FN(PQntuples)                  \
	FN(PQresultErrorField)         \
	FN(PQresultErrorMessage)       \
	FN(PQresultStatus)             \
	FN(PQsendQuery)                \
	FN(PQsendQueryParams)          \
	FN(PQsetErrorVerbosity)        \
	FN(PQsetNoticeReceiver)        \
	FN(PQsetnonblocking)           \
	FN(PQsocket)                   \
	FN(PQstatus)

#define FLEET_DB_LIBRARY_NUMBER(name_) FLEET_DB_LIBRARY_AT_##name_,
enum { FLEET_DB_LIBRARY_FUNCTIONS(FLEET_DB_LIBRARY_NUMBER) FLEET_DB_LIBRARY_COUNT };

extern void *fleet_db_library_at[FLEET_DB_LIBRARY_COUNT];

#define FLEET_DB_LIBRARY_LOADED(name_) \
	((__typeof__(&name_))fleet_db_library_at[FLEET_DB_LIBRARY_AT_##name_])

/* Before anything of it is called. 0, or -1 with `err` (ERR_INTERNAL). */
int fleet_db_library_load(struct err *err);

#define PQbackendPID(...)         FLEET_DB_LIBRARY_LOADED(PQbackendPID)(__VA_ARGS__)
#define PQclear(...)              FLEET_DB_LIBRARY_LOADED(PQclear)(__VA_ARGS__)
#define PQconnectPoll(...)        FLEET_DB_LIBRARY_LOADED(PQconnectPoll)(__VA_ARGS__)
#define PQconnectStartParams(...) FLEET_DB_LIBRARY_LOADED(PQconnectStartParams)(__VA_ARGS__)
#define PQconndefaults(...)       FLEET_DB_LIBRARY_LOADED(PQconndefaults)(__VA_ARGS__)
#define PQconninfoFree(...)       FLEET_DB_LIBRARY_LOADED(PQconninfoFree)(__VA_ARGS__)
#define PQconninfoParse(...)      FLEET_DB_LIBRARY_LOADED(PQconninfoParse)(__VA_ARGS__)
#define PQconsumeInput(...)       FLEET_DB_LIBRARY_LOADED(PQconsumeInput)(__VA_ARGS__)
#define PQerrorMessage(...)       FLEET_DB_LIBRARY_LOADED(PQerrorMessage)(__VA_ARGS__)
#define PQfinish(...)             FLEET_DB_LIBRARY_LOADED(PQfinish)(__VA_ARGS__)
#define PQflush(...)              FLEET_DB_LIBRARY_LOADED(PQflush)(__VA_ARGS__)
#define PQfreemem(...)            FLEET_DB_LIBRARY_LOADED(PQfreemem)(__VA_ARGS__)
#define PQgetResult(...)          FLEET_DB_LIBRARY_LOADED(PQgetResult)(__VA_ARGS__)
#define PQgetisnull(...)          FLEET_DB_LIBRARY_LOADED(PQgetisnull)(__VA_ARGS__)
#define PQgetvalue(...)           FLEET_DB_LIBRARY_LOADED(PQgetvalue)(__VA_ARGS__)
#define PQisBusy(...)             FLEET_DB_LIBRARY_LOADED(PQisBusy)(__VA_ARGS__)
#define PQnfields(...)            FLEET_DB_LIBRARY_LOADED(PQnfields)(__VA_ARGS__)
#define PQnotifies(...)           FLEET_DB_LIBRARY_LOADED(PQnotifies)(__VA_ARGS__)
#define PQntuples(...)            FLEET_DB_LIBRARY_LOADED(PQntuples)(__VA_ARGS__)
#define PQresultErrorField(...)   FLEET_DB_LIBRARY_LOADED(PQresultErrorField)(__VA_ARGS__)
#define PQresultErrorMessage(...) FLEET_DB_LIBRARY_LOADED(PQresultErrorMessage)(__VA_ARGS__)
#define PQresultStatus(...)       FLEET_DB_LIBRARY_LOADED(PQresultStatus)(__VA_ARGS__)
#define PQsendQuery(...)          FLEET_DB_LIBRARY_LOADED(PQsendQuery)(__VA_ARGS__)
#define PQsendQueryParams(...)    FLEET_DB_LIBRARY_LOADED(PQsendQueryParams)(__VA_ARGS__)
#define PQsetErrorVerbosity(...)  FLEET_DB_LIBRARY_LOADED(PQsetErrorVerbosity)(__VA_ARGS__)
#define PQsetNoticeReceiver(...)  FLEET_DB_LIBRARY_LOADED(PQsetNoticeReceiver)(__VA_ARGS__)
#define PQsetnonblocking(...)     FLEET_DB_LIBRARY_LOADED(PQsetnonblocking)(__VA_ARGS__)
#define PQsocket(...)             FLEET_DB_LIBRARY_LOADED(PQsocket)(__VA_ARGS__)
#define PQstatus(...)             FLEET_DB_LIBRARY_LOADED(PQstatus)(__VA_ARGS__)

#endif
