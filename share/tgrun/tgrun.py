"""A bot of python-telegram-bot (its Application, or Dispatcher) or a function of an update as a handler; see tgrun-handler(7), FRAMEWORKS.
In place of run_polling(): import sys; sys.path.append("/usr/local/share/tgrun"); import tgrun; tgrun.run(application)"""
import asyncio, contextlib, inspect, json, os, sys, traceback, tgrun_answers
async def adopt(bot, failed, stack):  # what its error handlers are told of has failed all the same
    handlers, waits = dict(bot.error_handlers), inspect.iscoroutinefunction(bot.process_update)
    def note(*args): return failed.append(getattr(args[-1], "error", args[-1])) or (asyncio.sleep(0) if waits else None)
    bot.error_handlers.clear(), bot.add_error_handler(note), bot.error_handlers.update(handlers)
    if waits: await stack.enter_async_context(bot), await bot.start(), stack.push_async_callback(bot.stop)
    else: object.__setattr__(bot, "_run_async", lambda f, *args, update=None, error_handling=True, **more: f(*args, **more))  # and waits
    return lambda update: bot.process_update(sys.modules["telegram"].Update.de_json({"update_id": 0, **update}, bot.bot))  # what was pushed has none
async def serve(bot, failed, worker=os.environ.get("TG_WORKER")):
    async with contextlib.AsyncExitStack() as stack:
        handle, answers = await adopt(bot, failed, stack) if hasattr(bot, "process_update") else bot, worker and os.fdopen(3, "w", 1, "utf-8", "replace")
        async def call(update): return tgrun_answers.spell(await reply if inspect.isawaitable(reply := handle(update)) else reply, worker)
        print('{"ready":true}', file=answers) if worker else sys.stdout.reconfigure(encoding="utf-8", errors="replace")
        while line := await asyncio.to_thread(sys.stdin.readline):
            job, others, _ = json.loads(line), asyncio.all_tasks(), failed.clear()
            main = asyncio.create_task(call(job["update"] if worker else job))
            while rest := asyncio.all_tasks() - others: failed += filter(None, [t.exception() for t in (await asyncio.wait(rest))[0] if not t.cancelled()])
            for error in failed: traceback.print_exception(type(error), error, error.__traceback__)
            retry = any(map(tgrun_answers.later, failed))
            if not worker: return 75 if retry else 65 if failed else print(main.result(), end="")
            said = f'"ok":false,"retry":{json.dumps(retry)},"error":{json.dumps(repr(failed[0]))}' if failed else f'"ok":true,"reply":{main.result()}'
            print(f'{{"id":{json.dumps(job["id"])},{said}}}', file=answers)
def run(bot): sys.exit(asyncio.run(serve(bot, [])))
