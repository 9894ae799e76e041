package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
)

type record struct {
	Key     *string      `json:"key"`
	Value   *string      `json:"value"`
	Headers [][2]*string `json:"headers"`
}

func raw(text *string) []byte {
	if text == nil {
		return nil
	}
	bytes, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		panic(err)
	}
	return bytes
}

func main() {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	servers, topic := os.Args[1], os.Args[2]
	var records []record
	if err := json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&records); err != nil {
		panic(err)
	}
	for _, codec := range os.Args[3:] {
		client, err := kgo.NewClient(kgo.SeedBrokers(servers), kgo.DefaultProduceTopic(topic),
			kgo.ProducerBatchCompression(codecs[codec]), kgo.ProducerLinger(1e8), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			panic(err)
		}
		var all []*kgo.Record
		for _, each := range records {
			made := &kgo.Record{Key: raw(each.Key), Value: raw(each.Value)}
			for _, header := range each.Headers {
				made.Headers = append(made.Headers, kgo.RecordHeader{Key: string(raw(header[0])), Value: raw(header[1])})
			}
			all = append(all, made)
		}
		if err := client.ProduceSync(context.Background(), all...).FirstErr(); err != nil {
			panic(err)
		}
		client.Close()
		fmt.Println(codec)
	}
}
