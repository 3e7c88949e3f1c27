# A function of an update as a handler, with --workers or without; see tgrun-handler(7), FRAMEWORKS. In place of a loop of getUpdates:
#   require '/usr/local/share/tgrun/tgrun.pl'; tgrun::run(sub { my ($update) = @_; 'what it answers' });
# What it dies of makes the update a dead letter; WWW::Telegram::BotAPI dies of what Telegram refuses.
package tgrun;
use strict; use warnings;
use Encode 'encode_utf8';
use JSON::PP;

sub run {
	my ($handle) = @_;
	my ($worker, $json) = ($ENV{TG_WORKER}, JSON::PP->new->utf8);
	open(my $answers, '>&=', $worker ? 3 : 1) or die "tgrun.pl: no descriptor to answer on: $!";
	syswrite $answers, qq({"ready":true}\n) if $worker;
	while (my $line = <STDIN>) {
		my ($job, $reply) = $json->decode($line);
		my $error = eval { $reply = $handle->($worker ? $job->{update} : $job); $reply = "$reply" if defined $reply && !ref $reply; $worker ? $json->encode([$reply])
			: !ref $reply || die 'the function returned no text, but ', ref $reply, "; calls are answers of --workers, or of --reply api as JSON text\n" } ? '' : $@ || 'died';
		my $retry = $error =~ /\bcode (429|5\d\d)\b|[Cc]onnect|timed? ?out/; # busy, or not reached: tried again
		print STDERR $error;
		exit($retry ? 75 : 65) if $error && !$worker;
		my %told = $error ? (ok => \0, retry => $retry ? \1 : \0, error => $error =~ /(.*)/) : (ok => \1, reply => $reply);
		syswrite $answers, $worker ? $json->encode({id => $job->{id}, %told}) . "\n" : encode_utf8($reply // '');
	}
}
1;
