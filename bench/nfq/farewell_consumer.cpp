// SPDX-License-Identifier: GPL-2.0-or-later
// farewell::nfq, as its guide has it.
#include <stop_token>
#include <thread>

#include <farewell/nfq/queue.hpp>

#include "consumer.hpp"

using namespace farewell;

int main(int argc, char** argv) {
    const bench::Options options = bench::options_from(argc, argv);
    nfq::QueueConfig config;
    config.max_wait = options.max_wait;
    if (options.same) {
        config.copy_range = options.copy_range;
        config.max_length = options.max_length;
        config.receive_buffer_bytes = options.receive_buffer;
    }
    auto queue = nfq::Queue::open(config);
    if (!queue) {
        return std::fprintf(stderr, "%s\n", queue.error().message().c_str()), 1;
    }
    bench::Tally tally;
    tally.wait_for_go();
    std::stop_source stop;
    const std::jthread watch([&](const std::stop_token& ended) {
        std::uint64_t seen = ~0ULL;
        while (!ended.stop_requested() && queue->stats().packets != seen) {
            seen = queue->stats().packets;
            std::this_thread::sleep_for(bench::kIdle);
        }
        stop.request_stop();
    });
    const auto ended = queue->run(
        [&tally](nfq::Batch& batch) {
            for (const nfq::Packet& packet : batch.packets()) {
                tally.count(packet.id, packet.payload);
            }
            batch.all(nfq::Verdict::drop());
            tally.batch_done();
        },
        stop.get_token());
    const nfq::Stats stats = queue->stats();
    tally.print(stats.system_calls);
    return ended && stats.lost_in_socket == tally.lost() ? 0 : 1;
}
