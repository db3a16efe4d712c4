package server_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"zeta/server"

	riemanngo "github.com/riemann/riemann-go-client"
)

// A program that runs its own zeta, sends an event and asks for it.
func Example() {
	s, err := server.New(server.Options{RulesText: `
		listen.tcp("127.0.0.1:0");
		where(metric > 0.9, with({state: "critical"}, index));
	`})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := s.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(ctx)

	c := riemanngo.NewTCPClient(s.Addr("tcp").String(), 5*time.Second)
	if err := c.Connect(); err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := riemanngo.SendEvent(c, &riemanngo.Event{Host: "web1", Service: "disk", Metric: 0.97}); err != nil {
		log.Fatal(err)
	}
	events, err := c.QueryIndex(`state = "critical"`)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range events {
		fmt.Println(e.Host, e.Service, e.State, e.Metric)
	}
	// Output: web1 disk critical 0.97
}
