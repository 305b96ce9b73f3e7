// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/nfqueue_source.hpp"

#include <algorithm>
#include <farewell/nfq/kernel_stats.hpp>
#include <farewell/nfq/pool.hpp>
#include <utility>
#include <vector>

#include "source/boot_clock.hpp"

namespace farewell::source {
namespace {

class NfqueueSource final : public PacketSource {
 public:
    NfqueueSource(nfq::Pool pool, const NfqueueSettings& settings, const SharedKnowledge& knowledge)
        : pool_(std::move(pool)), first_queue_(settings.first_queue) {
        lanes_.reserve(std::size_t{settings.last_queue} - settings.first_queue + 1);
        for (std::uint32_t number = settings.first_queue; number <= settings.last_queue; ++number) {
            lanes_.push_back(std::make_unique<Lane>(knowledge));
        }
        if (auto reader = nfq::KernelStatsReader::open()) {
            kernel_stats_ = std::move(*reader);
        }
    }
    ~NfqueueSource() override {
        [[maybe_unused]] const auto stopped = pool_.stop();  // before the lanes that its threads work with go
    }

    [[nodiscard]] std::string_view lane_name() const override { return "queue"; }

    [[nodiscard]] std::vector<ProbeRing*> rings() override {
        std::vector<ProbeRing*> rings;
        rings.reserve(lanes_.size());
        for (const auto& lane : lanes_) {
            rings.push_back(&lane->ring);
        }
        return rings;
    }

    void start(OnProbes on_probes) override {
        on_probes_ = std::move(on_probes);
        pool_.start([this](std::uint16_t number) -> nfq::Pool::Handler {
            Lane& lane = *lanes_[static_cast<std::size_t>(number - first_queue_)];
            // No verdict is set: the default one is what every packet gets, and before anybody is judged.
            return [&lane, this](nfq::Batch& batch) {
                const core::Time now = boot_now();
                bool pushed = false;
                for (const nfq::Packet& packet : batch.packets()) {
                    auto probe = lane.reader.read(packet.payload, packet.original_length, now,
                                                  direction_at(packet.hook));
                    if (probe) {
                        probe->interface = packet.metadata().input_interface;
                        pushed = lane.reader.push(*probe, now) || pushed;
                    }
                }
                batch.give_verdicts();
                lane.waits.add(boot_now() - now, batch.size());
                if (pushed) {
                    on_probes_();
                }
            };
        });
    }

    std::expected<void, Error> stop() override { return pool_.stop(); }
    [[nodiscard]] bool has_failed() const override { return pool_.has_failed(); }

    [[nodiscard]] std::vector<DisregardedPacket> disregarded(const core::Address& source) const override {
        std::vector<DisregardedPacket> packets;
        for (const auto& lane : lanes_) {
            const auto more = lane->reader.disregarded().of(source);
            packets.insert(packets.end(), more.begin(), more.end());
        }
        std::ranges::sort(packets, {}, &DisregardedPacket::at);
        return packets;
    }

    [[nodiscard]] std::vector<LaneStatus> own_status() const override {
        const auto members = pool_.stats();
        std::vector<LaneStatus> status;
        status.reserve(members.size());
        for (std::size_t i = 0; i < members.size(); ++i) {
            const auto& [number, stats] = members[i];
            status.push_back({.number = number,
                              .packets = stats.packets,
                              .lost_in_socket = stats.lost_in_socket,
                              .lost_in_queue = {},
                              .waiting = {},
                              .receive_buffer_bytes = stats.receive_buffer_bytes,
                              .counts = lanes_[i]->reader.counts(),
                              .waits = lanes_[i]->waits.counts()});
        }
        return status;
    }

    [[nodiscard]] std::vector<LaneStatus> status() const override {
        std::vector<LaneStatus> status = own_status();
        std::vector<nfq::KernelQueueStats> kernel;
        if (kernel_stats_) {
            kernel = kernel_stats_->read().value_or(std::vector<nfq::KernelQueueStats>());
        }
        for (LaneStatus& lane : status) {
            const auto row = std::ranges::find(kernel, lane.number, &nfq::KernelQueueStats::number);
            if (row != kernel.end()) {
                lane.lost_in_queue = row->queue_dropped;
                lane.waiting = row->waiting;
            }
        }
        return status;
    }

    [[nodiscard]] std::vector<std::uint64_t> rounds() const override {
        std::vector<std::uint64_t> rounds;
        for (const nfq::Pool::Member& member : pool_.stats()) {
            rounds.push_back(member.stats.system_calls);
        }
        return rounds;
    }
    void wake() override { pool_.wake(); }

 private:
    nfq::Pool pool_;
    std::optional<nfq::KernelStatsReader> kernel_stats_;  // /proc may be closed to us
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::uint16_t first_queue_;
    OnProbes on_probes_;  // set before the threads start
};

}  // namespace

std::expected<std::unique_ptr<PacketSource>, Error> open_nfqueue(const NfqueueSettings& settings,
                                                                 const SharedKnowledge& knowledge) {
    nfq::QueueConfig config;
    config.copy_range = settings.copy_range;
    config.max_length = settings.max_length;
    config.receive_buffer_bytes = settings.receive_buffer_bytes;
    config.default_verdict = settings.accept ? nfq::Verdict::accept() : nfq::Verdict::drop();
    auto pool = nfq::Pool::open(config, settings.first_queue, settings.last_queue);
    if (!pool) {
        return std::unexpected(pool.error());
    }
    return std::make_unique<NfqueueSource>(std::move(*pool), settings, knowledge);
}

}  // namespace farewell::source
