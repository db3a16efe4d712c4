package client_test

import (
	"context"
	"log/slog"

	"zeta/client"
	"zeta/event"
)

// Log records and events of a program, in five lines.
func Example() {
	c := client.New("zeta.example.com:5555", client.Options{})
	defer c.Close(context.Background())
	slog.SetDefault(slog.New(client.NewHandler(c, client.HandlerOptions{Service: "log shop"})))
	slog.Error("payment failed", "order", 42)
	c.Send(event.Event{Service: "orders", Int: 1, Has: event.HasService | event.HasInt})
}
