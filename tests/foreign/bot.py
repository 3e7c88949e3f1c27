# The same bot in python-telegram-bot of version 13 (Debian 12) or 20 and later: python3 bot.py glue|own|PORT,
# a webhook there, as far as version 13.
import logging, os, sys
sys.path.append(os.environ["GLUE"])
import tgrun
from telegram.ext import MessageHandler

token, url = os.environ["TG_TOKEN"], os.environ["TG_API_ROOT"] + "/bot"
logging.basicConfig(level=logging.ERROR)
try:
    from telegram.ext import Application, filters
    async def echo(update, context): await update.message.reply_text(update.message.text)
    async def caught(update, context): print("caught", context.error)
    bot = Application.builder().token(token).base_url(url).build()
    bot.add_handler(MessageHandler(filters.TEXT, echo))
    poll = bot.run_polling
except ImportError:
    from telegram.ext import Filters, Updater
    def echo(update, context): update.message.reply_text(update.message.text)
    def caught(update, context): print("caught", context.error)
    updater = Updater(token, base_url=url)
    bot = updater.dispatcher
    bot.add_handler(MessageHandler(Filters.text, echo))
    def poll():
        if sys.argv[1] == "own": updater.start_polling()
        else: updater.start_webhook("127.0.0.1", int(sys.argv[1]), "hook", webhook_url="https://bot.example.org/hook")  # sets it, too
        updater.idle()
bot.add_error_handler(caught)
tgrun.run(bot) if sys.argv[1] == "glue" else poll()
