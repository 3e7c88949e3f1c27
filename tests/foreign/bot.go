// The same bot in telebot.v3, in Debian's packages: telebot glue|own|PORT. Only main's first case is what tgrun needs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	tele "gopkg.in/telebot.v3"
)

func glue(bot *tele.Bot, failed *error) {
	answers := os.NewFile(3, "answers")
	worker := os.Getenv("TG_WORKER") != ""
	if worker {
		fmt.Fprintln(answers, `{"ready":true}`)
	}
	for lines := bufio.NewReader(os.Stdin); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var job struct {
			Id     string
			Update tele.Update
		}
		if worker {
			err = json.Unmarshal(line, &job)
		} else {
			err = json.Unmarshal(line, &job.Update)
		}
		if *failed = err; err == nil {
			bot.ProcessUpdate(job.Update)
		}
		if !worker && *failed != nil {
			os.Exit(65)
		}
		if worker {
			told := map[string]interface{}{"id": job.Id, "ok": *failed == nil}
			if *failed != nil {
				told["error"] = (*failed).Error()
			}
			json.NewEncoder(answers).Encode(told)
		}
	}
}

func main() {
	var failed error
	way := os.Args[1]
	settings := tele.Settings{URL: os.Getenv("TG_API_ROOT"), Token: os.Getenv("TG_TOKEN"), Synchronous: way == "glue", Offline: way == "glue",
		OnError: func(err error, _ tele.Context) { failed = err; fmt.Fprintln(os.Stderr, "caught", err) }}
	switch way {
	case "glue":
	case "own":
		settings.Poller = &tele.LongPoller{Timeout: 10 * time.Second}
	default: // sets its webhook at Telegram by itself
		settings.Poller = &tele.Webhook{Listen: "127.0.0.1:" + way, Endpoint: &tele.WebhookEndpoint{PublicURL: "https://bot.example.org/hook"}}
	}
	bot, err := tele.NewBot(settings)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bot.Handle(tele.OnText, func(c tele.Context) error { return c.Send(c.Text()) })
	if way == "glue" {
		glue(bot, &failed)
	} else {
		bot.Start()
	}
}
