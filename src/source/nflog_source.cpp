// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/nflog_source.hpp"

#include <atomic>
#include <farewell/nflog/group.hpp>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "source/boot_clock.hpp"

namespace farewell::source {
namespace {

// Packets a second. Slower, a scanner's ban need not wait for more of them; faster, a wake-up for each would
// take a processor.
constexpr std::uint32_t kPromptBelow = 20'000;

class NflogSource final : public PacketSource {
 public:
    NflogSource(nflog::Group group, const SharedKnowledge& knowledge)
        : group_(std::move(group)), lane_(knowledge) {}
    ~NflogSource() override = default;

    [[nodiscard]] std::string_view lane_name() const override { return "log group"; }
    [[nodiscard]] std::vector<ProbeRing*> rings() override { return {&lane_.ring}; }

    void start(OnProbes on_probes) override {
        on_probes_ = std::move(on_probes);
        thread_ = std::jthread([this](const std::stop_token& stop) { receive(stop); });
    }

    std::expected<void, Error> stop() override {
        thread_.request_stop();
        if (thread_.joinable()) {
            thread_.join();
        }
        return ended_;
    }

    [[nodiscard]] bool has_failed() const override { return has_failed_.load(std::memory_order_acquire); }

    [[nodiscard]] std::vector<LaneStatus> own_status() const override {
        const nflog::Stats stats = group_.stats();
        return {{.number = group_.number(),
                 .packets = stats.packets,
                 .lost_in_socket = stats.lost_in_socket,
                 .lost_in_queue = {},
                 .waiting = {},
                 .receive_buffer_bytes = stats.receive_buffer_bytes,
                 .counts = lane_.reader.counts(),
                 .waits = {}}};
    }
    [[nodiscard]] std::vector<DisregardedPacket> disregarded(const core::Address& source) const override {
        return lane_.reader.disregarded().of(source);
    }

    [[nodiscard]] std::vector<std::uint64_t> rounds() const override { return {group_.stats().system_calls}; }
    void wake() override { group_.wake(); }

 private:
    void receive(const std::stop_token& stop) {
        ended_ = group_.run(
            [this](std::span<const nflog::Packet> packets) {
                const core::Time now = boot_now();
                bool pushed = false;
                for (const nflog::Packet& packet : packets) {
                    auto probe = lane_.reader.read(packet.payload, PacketReader::kLengthUnknown, now,
                                                   direction_at(packet.hook));
                    if (probe) {
                        probe->interface = packet.input_interface;
                        pushed = lane_.reader.push(*probe, now) || pushed;
                    }
                }
                if (pushed) {
                    on_probes_();
                }
            },
            stop);
        has_failed_.store(!ended_, std::memory_order_release);
    }

    nflog::Group group_;
    Lane lane_;
    OnProbes on_probes_;                // set before the thread starts
    std::expected<void, Error> ended_;  // the thread's, read after it has been joined
    std::atomic<bool> has_failed_{false};
    std::jthread thread_;  // last: joined before what it uses goes
};

}  // namespace

std::expected<std::unique_ptr<PacketSource>, Error> open_nflog(const NflogSettings& settings,
                                                               const SharedKnowledge& knowledge) {
    nflog::GroupConfig config;
    config.number = settings.group;
    config.copy_range = settings.copy_range;
    config.prompt_below = kPromptBelow;
    config.receive_buffer_bytes = settings.receive_buffer_bytes.value_or(config.receive_buffer_bytes);
    auto group = nflog::Group::open(config);
    if (!group) {
        return std::unexpected(group.error());
    }
    return std::make_unique<NflogSource>(std::move(*group), knowledge);
}

}  // namespace farewell::source
